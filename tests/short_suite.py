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
        *("test_bench_check", "test_bench_shapes", "test_explain", "test_front_door", "test_modes_counts"),
        *("test_modes_function", "test_modes_jax_layer", "test_modes_jax_stages", "test_modes_jaxpr_cost"),
        *("test_modes_jaxpr_programs", "test_plots_layouts", "test_results_choices", "test_results_export"),
        *("test_results_journal", "wild/test_versions"),
    )
)
"""Files of tests of what other packages change: how JAX traces and compiles, what pandas, pyperf and pydantic write."""
