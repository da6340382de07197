"""Files with faults: trees of JSON whose parts are replaced, deleted, doubled or renamed; bytes that are changed.

Extreme values are texts instead of objects, so that a file can hold things that Python would not write, such as NaN
or a number of 5000 digits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Any

from hypothesis import strategies as st

EXTREMES = (
    *("null", "true", "false", "0", "-1", "1", "2", "3", "1.5", "-0.0", "1e-320", "1e308", "1e400", "5e-324", "NaN"),
    *("Infinity", "-Infinity", "1000000", "1000001", "2147483648", "9223372036854775808", "9" * 30, "9" * 5000, '""'),
    *('"\\ud800"', '"\\u0000"', '"\\u001b[31m"', '"\\u2028"', '"null"', '"noop"', '"NaN"', '"=1+1"', '"forward"'),
    *('"jax-jvp"', '"theta"', '"x"', '"1:1000000000:+1"', '"1e999"', '"2026-01-01T00:00:00Z"', '"a:b"', '"ﬀ𝕏é\\n"'),
    *(json.dumps("x" * 3000), "[]", "{}", "[null]", "[[]]", "[1]", '["forward"]', '{"a":1}', '{"":null}', "[" * 300),
    *("[" * 150 + "]" * 150, "[" * 30_000, '{"a":' * 3000, "// no JSON", "undefined", "1_000", "0x10", "'x'"),
    "Ünïcode",
)
"""Values as text."""

_PIECES = (
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\0" * 64, b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\r\n"),
    *(b"\r", b"\n", b"{", b"}", b"[", b"]", b'"', b",", b":", b"=", b"#", b"-", b"9" * 5000, b"\x1f\x8b\x08"),
    *(b"PK\x03\x04", b"<<<<<<< HEAD\n", b"//\n", b"nan", b"1e999", b"\x1b[2J", "´".encode(), b" " * 40),
)
"""Bytes that editors, crashes and other programs leave in a file."""

_PLACES = 10_000
"""The number of places in a file, from its beginning to its end."""

_ANYWHERE = st.integers(0, _PLACES)

_DAMAGES = st.one_of(
    st.tuples(_ANYWHERE, st.just(0), st.sampled_from(_PIECES)),
    st.tuples(_ANYWHERE, st.integers(1, 40), st.just(b"")),
    st.tuples(_ANYWHERE, st.just(1), st.binary(min_size=1, max_size=1)),
    st.tuples(_ANYWHERE, st.just(10**9), st.sampled_from([b"", b"\0" * 100])),
    st.tuples(st.sampled_from([0, _PLACES]), st.just(0), st.sampled_from(_PIECES)),
)
"""A place, the number of bytes, and their replacement."""

Change = tuple[str, str]
"""A change of a part of a tree: its kind, and a text for it."""

_CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(EXTREMES)),
    st.tuples(st.sampled_from(["drop", "twice", "wrap", "text"]), st.just("")),
    st.tuples(st.just("name"), st.sampled_from(["", "x", "forward", "null", "noop", "\\ud800", "\\n", "a" * 3000])),
    st.tuples(st.just("put"), (st.integers() | st.integers(0, 300)).map(str)),
    st.tuples(st.just("put"), (st.floats() | st.floats(1e-9, 1e6)).map(json.dumps)),
    st.tuples(st.just("put"), st.text(max_size=8).map(json.dumps)),
)


def changed(tree: Any) -> st.SearchStrategy[str]:
    """The tree as JSON, with up to three changes."""
    paths = list(_paths(tree, ()))
    leaves = sorted({json.dumps(leaf) for leaf in map(partial(_at, tree), paths) if not isinstance(leaf, dict | list)})
    changes = st.one_of(_CHANGES, st.tuples(st.just("put"), st.sampled_from(leaves)))
    places = st.sampled_from(paths)
    few = st.dictionaries(places, changes, max_size=1) | st.dictionaries(places, changes, max_size=3)
    return few.map(lambda found: _written(tree, (), found))


def joined(lines: Sequence[Any]) -> st.SearchStrategy[str]:
    """A file of lines, some changed, missing, doubled, reordered or replaced."""
    plain = [json.dumps(line) for line in lines]
    faults = st.dictionaries(
        st.integers(0, len(lines) - 1),
        st.one_of(
            st.sampled_from(["", *plain, "\n".join(plain), plain[0][:-20], "\0" * 30, "\0" * 30 + plain[-1], "null"]),
            st.sampled_from(lines).flatmap(changed),
        ),
        max_size=3,
    )
    orders = st.one_of(st.just(range(len(lines))), st.permutations(range(len(lines))))
    ends = st.sampled_from(["\n", "\r\n", "\n\n"])
    return st.builds(
        lambda order, changes, end: "".join(f"{changes.get(i, plain[i])}{end}" for i in order), orders, faults, ends
    )


def tables(fields: Mapping[str, str], values: Sequence[str]) -> st.SearchStrategy[str]:
    """TOML with these fields, some missing or with another value."""
    names = st.sampled_from([*fields, "options", "shapes", "x", "", '"a b"', "engines.x", "é"])
    value = st.one_of(st.sampled_from([*fields.values(), *values, *EXTREMES]), st.integers().map(str))
    changes = st.dictionaries(names, value, max_size=3)
    kept = st.sets(st.sampled_from(list(fields)), max_size=len(fields))
    tail = st.sampled_from(
        ["", "", "[options]\ndepth = 2\n", '[options]\nsigma = "sin"\nwidth = 9999\n', "[", "rounds = 3\n"]
    )
    return st.builds(
        lambda names, changes, tail: (
            "".join(f"{k} = {v}\n" for k, v in ({k: fields[k] for k in sorted(names)} | changes).items()) + tail
        ),
        kept,
        changes,
        tail,
    )


def damaged(files: st.SearchStrategy[str] | st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """The bytes of a file, half of the time with up to three damages."""
    return st.builds(_damaged, files, st.lists(_DAMAGES, max_size=3), _WHOLE)


_FAULTS: Sequence[Callable[[bytes], bytes]] = (
    lambda data: data.decode(errors="replace").encode("utf-16"),
    lambda data: data.replace(b"\n", b"\r\n"),
    bytes.strip,
    lambda data: data * 2,
)
"""Faults of a whole file."""

_WHOLE = st.one_of(*[st.just(bytes)] * 3, st.sampled_from(_FAULTS))


def nonsense() -> st.SearchStrategy[bytes]:
    """JSON of any kind, text, or bytes."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
    extreme = st.sampled_from(EXTREMES)
    return st.one_of(
        st.binary(), (st.text() | extreme | trees.map(json.dumps)).map(lambda s: s.encode(errors="replace"))
    )


def _paths(tree: Any, path: tuple[Any, ...]) -> Any:
    yield path
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, part in parts:
        yield from _paths(part, (*path, key))


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    return reduce(lambda part, key: part[key], path, tree)


def _written(tree: Any, path: tuple[Any, ...], changes: Mapping[tuple[Any, ...], Change]) -> str:
    how, text = changes.get(path, ("", ""))
    if how == "put":
        return text
    parts: list[str] = []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, part in items:
        inner_how, name = changes.get((*path, key), ("", ""))
        head = f'"{name if inner_how == "name" else key}":' if isinstance(tree, dict) else ""
        parts += [head + _written(part, (*path, key), changes)] * {"drop": 0, "twice": 2}.get(inner_how, 1)
    inside = ",".join(parts)
    whole = f"{{{inside}}}" if isinstance(tree, dict) else f"[{inside}]" if isinstance(tree, list) else json.dumps(tree)
    return {"wrap": f"[{whole}]", "text": json.dumps(whole)}.get(how, whole)


def _damaged(file: str | bytes, damages: Sequence[tuple[int, int, bytes]], whole: Callable[[bytes], bytes]) -> bytes:
    data = file.encode(errors="surrogatepass") if isinstance(file, str) else file
    for place, length, instead in damages:
        at = place * len(data) // _PLACES
        data = data[:at] + instead + data[at + length :]
    return whole(data)
