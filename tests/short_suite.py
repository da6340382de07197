"""Which tests the suites leave out: `make test` the long ones, `pytest -m "not slow"` what versions do not change."""

__all__ = ["LONG", "OF_JAX", "SLOW", "VERSIONS"]

SLOW = frozenset(
    {
        *("fuzz", "test_action.py", "test_bench_against.py", "test_bench_failures.py", "test_bench_local.py"),
        *("test_bench_stock.py", "test_cli_baseline.py", "test_cli_check.py", "test_cli_report_watch.py"),
        *("test_cli_resume.py", "test_cli_selftest.py", "test_docs.py", "test_examples.py", "test_notebook.py"),
        *("test_plots_serving.py", "test_readme.py", "test_report_browser.py", "test_results_against_baseline.py"),
        *("test_results_cost_model.py", "test_results_gate_simulated.py", "test_results_gate_whole.py"),
        *("test_results_selftest.py", "test_selftest_report.py", "wild"),
    }
)
"""Folders and files of tests that take long, and say little about the versions of what is installed."""

LONG = (
    "test_compiled[",
    "test_500_factors",
    "test_engines_agree[driven-60x4-depth=50-width=3",
    "test_kill_9_at_random_moments",
)
"""How the names of tests begin that only `make test-all` runs: each takes long and shows at another size, or once more,
what others show."""

OF_JAX = (
    *("tests/reports", "tests/test_jacobian_properties.py", "tests/test_modes_agree.py"),
    *("tests/test_modes_benchmark_problems.py", "tests/test_modes_bracketing_programs.py"),
    *("tests/test_modes_problems.py", "tests/test_modes_jacobians.py", "tests/test_modes_jax_stages.py"),
)
"""Of the short suite what depends on the version of JAX and not on that of Python."""

VERSIONS = "test_versions.py"
"""But for this one."""
