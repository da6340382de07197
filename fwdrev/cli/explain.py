"""What a Jacobian takes, product by product: `fwdrev explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwdrev.cli.common.options import Option, Problem, Wrt, declared, option_name
from fwdrev.cli.common.show import AsJson, answer
from fwdrev.modes.errors import InputError
from fwdrev.results.display import aligned

if TYPE_CHECKING:
    from fwdrev.modes.bracketing.factors import FactorPlan


_INPUTS, _OUTPUTS = 256, 64
"""The size that is explained where none is given."""

_SPECIFIED = {
    "problem": Problem,
    "option": Option,
    "inputs": Annotated[int | None, typer.Option(help=f"The size n; default {_INPUTS}.")],
    "outputs": Annotated[int | None, typer.Option(help=f"The size m; default {_OUTPUTS}.")],
    "engines": Annotated[
        str | None,
        typer.Option(
            help="Engines with commas between; default forward,reverse,bracketed. An engine that does not list its "
            "products gets a single line."
        ),
    ],
    "wrt": Wrt,
    "dtype": Annotated[str | None, typer.Option(help="float64 or float32.")],
    "seed": Annotated[int | None, typer.Option(help="The seed of the problem.")],
}


@declared(_SPECIFIED)
def explain(
    *,
    given: dict[str, Any],
    factors: Annotated[
        Path | None, typer.Option(help="A file: how many factors, then a line `m n edges` for each; - reads stdin.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a Jacobian costs, product by product; times nothing."""
    if factors is None:
        _explain_problem(given, as_json=as_json)
        return
    if given:
        msg = f"{option_name(next(iter(given)))} cannot be given with --factors, which is a chain of its own"
        raise InputError(f"{msg}: give one of the two")
    from fwdrev.modes.bracketing.factors import cheapest
    from fwdrev.results.costs.factor_file import read_factors

    chain = read_factors(factors)
    found = cheapest(chain)
    costs = {name: getattr(found, name) for name in ("cost", "tangent", "adjoint", "preaccumulation")}
    data = {"factors": len(chain), **costs, "tree": str(found.tree)}
    answer(data, _factor_lines(len(chain), found), as_json=as_json)


def _explain_problem(given: dict[str, Any], *, as_json: bool) -> None:
    from fwdrev.bench.records.parsing import names
    from fwdrev.bench.records.spec import make_spec
    from fwdrev.modes.core.problem import LARGEST
    from fwdrev.results.costs.explanation import EXPLAINED, explain as explained, explanation_lines

    asked = {"inputs": given.get("inputs", _INPUTS), "outputs": given.get("outputs", _OUTPUTS)}
    for name, size in asked.items():
        if not 1 <= size <= LARGEST:
            raise InputError(f"{name} = {size}: give a whole number from 1 to {LARGEST}")
    sizes = {name: [size] for name, size in asked.items()}
    try:
        engines = names(given["engines"]) if "engines" in given else list(EXPLAINED)
        found = explained(make_spec(given | sizes | {"engines": engines}))
    except MemoryError:
        msg = "this problem is too large for the memory of this machine: take smaller sizes or options"
        raise InputError(msg) from None
    answer(found.to_json(), explanation_lines(found), as_json=as_json)


def _factor_lines(count: int, found: "FactorPlan") -> list[str]:
    """The optimum, what one would do without it, and what that would cost more."""
    from fwdrev.results.costs.explanation import fewer

    rows = (
        ("tangent", found.tangent, "all inputs pushed through the whole chain"),
        ("adjoint", found.adjoint, "all outputs pulled back through the whole chain"),
        ("preaccumulation", found.preaccumulation, "each factor formed, then matrices multiplied in the best order"),
    )
    optimum = ("optimum", found.cost, str(found.tree))
    formed = "  [k]: factor k is formed as a matrix and multiplied; any other is pushed or pulled through."
    explained = [formed] if "[" in str(found.tree) else []
    table = aligned([(row, f"{cost:,}", text) for row, cost, text in (optimum, *rows)], "<><")
    name, best, _ = min(rows, key=lambda row: row[1])
    verdict = "needs as many multiply–adds as" if best == found.cost else f"needs {fewer(found.cost, best)} than"
    return [
        f"A chain of {count} factors; the cost of its product in multiply–adds:",
        "",
        *(f"  {line}" for line in table),
        "  Factors are counted from the input; what is in brackets is multiplied first.",
        *explained,
        "",
        f"The optimum {verdict} {name}, the best of the other three.",
    ]
