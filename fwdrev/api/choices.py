"""What was chosen for which arguments: the table, and how JAX's and PyTorch's Jacobians use it.

    choices = Choices()
    choices.keep(key, Chosen(function=jax.jacrev(f), choice=choice))
    choices.find(key)                     # Chosen, or None

Arrays enter a key by shape and dtype, everything else by its value: an integer, a function or an enum may decide which
program the function is. Where the first values in a row all led to the same choice, the next ones are taken to do so.
"""

import warnings
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fwdrev.api.mode_choice import REVERSE, ModeChoice
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Argnums, Function
from fwdrev.modes.errors import Raised, attempt

T = TypeVar("T")

_MOST = 1024
"""Choices that are kept: a loop that makes new shapes for ever must not grow for ever."""

_ALIKE = 8
"""Values of other arguments that have to lead to the same choice before the next value is taken to do so as well."""

_USER = 4
"""Frames from a warning about a choice to the line that asked for the Jacobian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The Jacobian to call and the choice that it follows; `outputs`: shapes and dtypes of the function's value."""

    function: Callable[..., Any]
    choice: ModeChoice
    outputs: Hashable = None


@dataclass(frozen=True, slots=True)
class Key:
    """Of arguments: their tree with the kind of each leaf, and the same with the types of values in their place."""

    exact: Hashable
    family: Hashable

    @classmethod
    def of(cls, tree: Hashable, kinds: Sequence[tuple[Any, Any]], setting: Hashable = None) -> "Key":
        """From the exact and the family kind of each leaf."""
        exact, family = (tuple([kind[i] for kind in kinds]) for i in (0, 1))
        return cls((tree, exact, setting), (tree, family, setting))


class Choices:
    """A bounded table. Keys that cannot be hashed or compared are never found and never kept; neither is None."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._known: OrderedDict[Hashable, Chosen] = OrderedDict()
        self._families: OrderedDict[Hashable, tuple[Chosen, int] | None] = OrderedDict()
        self.of = self._known.get
        """Looks an exact key up; raises what hashing and comparing it raise."""

    def find(self, key: Key | None) -> Chosen | None:
        """The choice for it, or that of the first values in a row if they all led to the same one."""
        return None if key is None else _or_none(lambda: self._found(key))

    def keep(self, key: Key | None, chosen: Chosen) -> None:
        """From now on this is what is chosen for that key."""
        if key is not None:
            attempt(lambda: self._put(key, chosen))  # a key that cannot be kept is decided afresh at each call

    def _found(self, key: Key) -> Chosen | None:
        known = self._known.get(key.exact)
        alike = self._families.get(key.family) if known is None else None
        if alike is not None and alike[1] >= _ALIKE:
            known = alike[0]
            _put(self._known, key.exact, known)
        return known

    def _put(self, key: Key, chosen: Chosen) -> None:
        row = self._families.get(key.family, (chosen, 0))
        if row is not None:
            last, times = row
            alike = (last.choice.mode, last.outputs) == (chosen.choice.mode, chosen.outputs)
            row = (chosen, times + 1) if alike else None
        _put(self._families, key.family, row)
        _put(self._known, key.exact, chosen)


class Chooser(ABC):
    """The Jacobians of one function, and what was chosen for which arguments."""

    def __init__(
        self,
        f: Function,
        argnums: Argnums,
        *,
        mode: str,
        chunk: int | None,
        decide: str,
        has_aux: bool,
        **options: bool,
    ) -> None:
        """`argnums` are checked; a `mode` that is named leaves no choice; `options` are those of jax.jacobian."""
        self._f, self._argnums, self._mode = f, argnums, mode
        self._chunk, self._decide, self._has_aux, self._options = chunk, decide, has_aux, options
        self._known, self._provisional = Choices(), Choices()
        self._contradicted = False

    @abstractmethod
    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian."""

    @abstractmethod
    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice that a call with these arguments follows; decides now if none was made before."""

    @abstractmethod
    def _by(self, mode: str) -> Function:
        """The Jacobian by that mode."""

    @abstractmethod
    def _glance(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen | None:
        """The choice for usual arguments if it is known, fast; may raise anything for others."""

    @abstractmethod
    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key:
        """By the kinds of all arguments; may raise anything."""

    @abstractmethod
    def _traced(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Whether an argument stands for values that are not known yet."""

    @abstractmethod
    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ModeChoice, Hashable, bool]:
        """The choice, shapes and dtypes of the outputs, and whether that is for good."""

    def _chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen:
        """A look into a table, or else decided now. Choices made while tracing are provisional."""
        known = _or_none(lambda: self._glance(args, kwargs))
        if known is not None:
            return known
        key = _or_none(lambda: self._key(args, kwargs))
        known = self._known.find(key)
        if known is None and self._traced(args, kwargs):
            known = self._provisional.find(key)
        if known is not None:
            return known
        choice, outputs, final = self._decided(args, kwargs)
        chosen = Chosen(function=self._by(choice.mode), choice=choice, outputs=outputs)
        (self._known if final else self._provisional).keep(key, chosen)
        if choice.contradicted:
            self._contradicted, self._provisional = True, Choices()
            name = getattr(self._f, "__qualname__", type(self._f).__name__)
            text = f"{name}: {choice.reason}; reverse mode is taken, as by the call that this replaces"
            warnings.warn(text, stacklevel=_USER)
        return chosen

    def _jacobian(self, chosen: Chosen, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian; where the mode that was chosen fails, reverse mode has the last word, now and later."""
        if chosen.choice.mode == REVERSE:
            return chosen.function(*args, **kwargs)
        J = attempt(lambda: chosen.function(*args, **kwargs))
        if not isinstance(J, Raised):
            return J
        failed = ModeChoice(reason=f"{chosen.choice.mode} mode failed ({type(J.error).__name__})")
        del J  # its traceback holds what was computed on the way
        by_reverse = self._by(REVERSE)
        found = by_reverse(*args, **kwargs)
        key = _or_none(lambda: self._key(args, kwargs))
        self._known.keep(key, Chosen(function=by_reverse, choice=failed))
        return found


def _or_none(look: Callable[[], T]) -> T | None:
    """What is found. Arguments of users may raise anything when they are flattened, hashed or compared."""
    found = attempt(look)
    return None if isinstance(found, Raised) else found


def _put(table: OrderedDict[Hashable, T], key: Hashable, value: T) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MOST:
        table.popitem(last=False)
