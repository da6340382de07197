"""What there is: engines and problems."""

from collections.abc import Callable, Sequence
from typing import Any

from fwdrev.cli.common.show import AsJson, answer
from fwdrev.modes.errors import FwdrevError
from fwdrev.results.display import aligned


def engines(*, as_json: AsJson = False) -> None:
    """List the engines: what each does, or why it is not available."""
    from fwdrev.modes.registry import engine, engine_names

    def facts(name: str) -> dict[str, Any]:
        found = engine(name)
        return {"summary": found.summary, "direction": found.direction.value, "library": found.library}

    rows = [_row(name, facts) for name in engine_names()]
    _show("engine", rows, [(row["name"], row["summary"]) for row in rows], as_json=as_json)


def problems(*, as_json: AsJson = False) -> None:
    """List the problems with their shapes and options."""
    from fwdrev.modes.registry import problem_names, problem_options, problem_shape, problem_summary

    def facts(name: str) -> dict[str, Any]:
        return {"shape": problem_shape(name), "summary": problem_summary(name), "options": problem_options(name)}

    rows = [_row(name, facts, shape="", options={}) for name in problem_names()]
    texts = [row["summary"] + "".join(f"  {key}={value}" for key, value in row["options"].items()) for row in rows]
    lines = [(row["name"], row["shape"], text) for row, text in zip(rows, texts, strict=True)]
    _show("problem", rows, lines, as_json=as_json)


def _row(name: str, facts: Callable[[str], dict[str, Any]], **otherwise: object) -> dict[str, Any]:
    """Its facts, or why it is not available, with what stands for its other facts then."""
    try:
        return {"name": name, "available": True, **facts(name)}
    except FwdrevError as error:
        return {"name": name, "available": False, "summary": f"not available: {error}", **otherwise}


def _show(kind: str, rows: list[dict[str, Any]], lines: Sequence[tuple[str, ...]], *, as_json: bool) -> None:
    """The table, then what other packages call by a name of ours; their names and texts may hold anything."""
    from fwdrev.modes.registry import taken_names
    from fwdrev.results.runs.schema import one_line

    taken = taken_names(kind)
    table = aligned(tuple(map(one_line, line)) for line in lines)
    answer({f"{kind}s": rows, "not_used": taken}, [*table, *map(one_line, taken)], as_json=as_json)
