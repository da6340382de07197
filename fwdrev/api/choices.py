"""The table of choices by arguments, and the base of JAX's and PyTorch's Jacobians that uses it.

    choices = Choices()
    choices.keep(key, Chosen(function=jax.jacrev(f), choice=choice))
    choices.find(key)                     # Chosen, or None

Arrays enter a key by shape and dtype, everything else by its value: an integer, a function or an enum may decide which
program the function is. If the first values all lead to the same choice, later ones are assumed to.
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
"""The most choices to keep, since a loop may make new shapes forever."""

_ALIKE = 8
"""The values of other arguments that must lead to the same choice before later values are assumed to."""

_USER = 4
"""The frames from a warning about a choice to the line that called the Jacobian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The Jacobian to call and its choice; `outputs`: shapes and dtypes of the function's value."""

    function: Callable[..., Any]
    choice: ModeChoice
    outputs: Hashable = None


@dataclass(frozen=True, slots=True)
class Key:
    """The key of arguments: their tree with the kind of each leaf, and the same with types in place of values."""

    exact: Hashable
    family: Hashable

    @classmethod
    def of(cls, tree: Hashable, kinds: Sequence[tuple[Any, Any]], setting: Hashable = None) -> "Key":
        """Makes a key from the exact kind and the family kind of each leaf."""
        exact, family = (tuple([kind[i] for kind in kinds]) for i in (0, 1))
        return cls((tree, exact, setting), (tree, family, setting))


class Choices:
    """A bounded table. It never finds or keeps None, or keys that cannot be hashed or compared."""

    def __init__(self) -> None:
        """Starts empty."""
        self._known: OrderedDict[Hashable, Chosen] = OrderedDict()
        self._families: OrderedDict[Hashable, tuple[Chosen, int] | None] = OrderedDict()
        self.of = self._known.get
        """Looks up an exact key; raises what hashing and comparing it raise."""

    def find(self, key: Key | None) -> Chosen | None:
        """The choice for a key, or that of its family if the first values all led to the same one."""
        return None if key is None else _or_none(lambda: self._found(key))

    def keep(self, key: Key | None, chosen: Chosen) -> None:
        """Keeps the choice for that key."""
        if key is not None:
            attempt(lambda: self._put(key, chosen))  # without a usable key, each call decides anew

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
    """The Jacobians of one function, with the choices by arguments."""

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
        """Checks `argnums`; a named `mode` leaves no choice; `options` are those of jax.jacobian."""
        self._f, self._argnums, self._mode = f, argnums, mode
        self._chunk, self._decide, self._has_aux, self._options = chunk, decide, has_aux, options
        self._known, self._provisional = Choices(), Choices()
        self._contradicted = False

    @abstractmethod
    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian."""

    @abstractmethod
    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice for a call with these arguments; decides now if there is none yet."""

    @abstractmethod
    def _by(self, mode: str) -> Function:
        """The Jacobian by that mode."""

    @abstractmethod
    def _glance(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen | None:
        """A fast look at the known choice for usual arguments; may raise anything for others."""

    @abstractmethod
    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key:
        """The key by the kinds of all arguments; may raise anything."""

    @abstractmethod
    def _traced(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Whether an argument stands for unknown values, as while tracing."""

    @abstractmethod
    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ModeChoice, Hashable, bool]:
        """The choice, shapes and dtypes of the outputs, and whether the choice is final."""

    def _chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen:
        """Looks into the table, or decides now. Choices made while tracing are provisional."""
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
        """The Jacobian; if the chosen mode fails, reverse mode replaces it, now and later."""
        if chosen.choice.mode == REVERSE:
            return chosen.function(*args, **kwargs)
        J = attempt(lambda: chosen.function(*args, **kwargs))
        if not isinstance(J, Raised):
            return J
        failed = ModeChoice(reason=f"{chosen.choice.mode} mode failed ({type(J.error).__name__})")
        del J  # its traceback holds intermediate results
        by_reverse = self._by(REVERSE)
        found = by_reverse(*args, **kwargs)
        key = _or_none(lambda: self._key(args, kwargs))
        self._known.keep(key, Chosen(function=by_reverse, choice=failed))
        return found


def _or_none(look: Callable[[], T]) -> T | None:
    """The result of a lookup. Users' arguments may raise anything when flattened, hashed or compared."""
    found = attempt(look)
    return None if isinstance(found, Raised) else found


def _put(table: OrderedDict[Hashable, T], key: Hashable, value: T) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MOST:
        table.popitem(last=False)
