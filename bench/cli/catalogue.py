"""What there is: engines and problems."""

from typing import Any

from fwdrev.bench.cli.show import AsJson, answer, columns

__all__ = ["engines", "problems"]


def engines(*, as_json: AsJson = False) -> None:
    """List the engines: what each does, or why it is not available."""
    from fwdrev.modes.errors import InputError, UnavailableError
    from fwdrev.modes.registry import engine, engine_names

    rows: list[dict[str, Any]] = []
    for name in engine_names():
        try:
            found = engine(name)
        except (UnavailableError, InputError) as error:
            rows.append({"name": name, "available": False, "summary": f"not available: {error}"})
        else:
            facts = {"direction": found.direction.value, "library": found.library}
            rows.append({"name": name, "available": True, "summary": found.summary, **facts})
    answer({"engines": rows}, columns((row["name"], row["summary"]) for row in rows), as_json=as_json)


def problems(*, as_json: AsJson = False) -> None:
    """List the problems: which shapes each has, what it is, and its options with their defaults."""
    from fwdrev.modes.registry import problem_names, problem_options, problem_shape, problem_summary

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "shape": problem_shape(name),
            "summary": problem_summary(name),
            "options": problem_options(name),
        }
        for name in problem_names()
    ]
    lines = columns(
        (
            row["name"],
            row["shape"],
            row["summary"] + "".join(f"  {key}={value}" for key, value in row["options"].items()),
        )
        for row in rows
    )
    answer({"problems": rows}, lines, as_json=as_json)
