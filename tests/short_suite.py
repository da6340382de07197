"""Which tests the short suite leaves out: `pytest -m "not slow"`, for other versions of what is installed."""

__all__ = ["OF_JAX", "SLOW", "TWICE", "VERSIONS"]

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

TWICE = frozenset({"test_compiled"})
"""Tests of what others show already, at the cost of a compilation."""

OF_JAX = (
    *("tests/reports", "tests/test_jacobian_properties.py", "tests/test_modes_agree.py"),
    *("tests/test_modes_benchmark_problems.py", "tests/test_modes_bracketing_programs.py"),
    *("tests/test_modes_problems.py", "tests/test_modes_jacobians.py", "tests/test_modes_jax_stages.py"),
)
"""Of the short suite what depends on the version of JAX and not on that of Python."""

VERSIONS = "test_versions.py"
"""But for this one."""
