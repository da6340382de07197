"""Which tests make which suite: `make test` leaves out the long ones, `make test-versions` runs the short suite."""

__all__ = ["LONG", "SHORT"]

LONG = (
    "test_compiled[",
    "test_500_factors",
    "test_engines_agree[driven-60x4-depth=50-width=3",
    "test_kill_9_at_random_moments",
)
"""How the names of tests begin that only `make test-all` runs: each takes long and shows at another size, or once more,
what others show."""

SHORT = tuple(
    f"tests/{name}.py"
    for name in (
        "api/test_choices",
        "api/test_front_door",
        "bench/test_shapes",
        "bench/workers/test_reference_check",
        "modes/engines/test_counts",
        "modes/functions/test_probe",
        "modes/functions/test_staged",
        "modes/jaxpr/test_cost",
        "modes/jaxpr/test_programs",
        "modes/layers/test_jax_layer",
        "plots/figures/test_layouts",
        "results/costs/test_explanation",
        "results/runs/test_export",
        "results/runs/test_journal",
        "wild/test_versions",
    )
)
"""Files of tests of what other packages change: how JAX traces and compiles, what pandas, pyperf and pydantic write."""
