"""The test files that `make test-versions` runs with other versions."""

__all__ = ["SHORT"]

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
"""Tests of what other packages may change: JAX's tracing and compiling; output of pandas, pyperf and pydantic."""
