"""Whatever a file holds, it is read, or refused by an error of ours; then follow typical uses."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, strategies as st

from fwdrev.bench.functions.point import point_of
from fwdrev.bench.functions.target import Target
from fwdrev.bench.records.plan import FixedPlan
from fwdrev.bench.records.spec import make_spec, read_spec
from fwdrev.modes.bracketing.factors import cheapest
from fwdrev.modes.errors import FwdrevError
from fwdrev.modes.functions.probe import probe_function
from fwdrev.plots.report.payload import run_payload
from fwdrev.results import Run, crossover, load, log_ratios
from fwdrev.results.costs.factor_file import read_factors
from fwdrev.results.gate.aa_test.record import load_record
from fwdrev.results.gate.aa_test.summary import delays_for, summarised, summary_lines
from fwdrev.results.gate.baseline.build import baseline_of, pairs_of
from fwdrev.results.gate.baseline.compare import compared
from fwdrev.results.gate.baseline.file import baseline_text, load_baseline
from fwdrev.results.gate.verdicts.github import annotations
from fwdrev.results.gate.verdicts.junit import junit
from fwdrev.results.gate.verdicts.markdown import markdown
from fwdrev.results.gate.verdicts.report import text_lines
from fwdrev.results.notebook.html import record_html
from fwdrev.results.runs.cells import arms, cells, engines_measured, failures, values
from fwdrev.results.runs.export import to_costs, to_csv, to_pyperf
from fwdrev.results.stats.crossing import Crossing
from fwdrev.results.text.summary import crossover_lines, failure_lines
from tests.fuzz import samples
from tests.fuzz.guarded import examples, guarded
from tests.fuzz.points import points
from tests.fuzz.strategies import changed, damaged, joined, nonsense, tables


def _files(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Most have false values only; one in eight is nonsense of any kind."""
    whole = texts.map(lambda text: text.encode(errors="surrogatepass"))
    return st.one_of(*[whole] * 5, *[damaged(texts)] * 2, nonsense())


@contextmanager
def ours() -> Iterator[None]:
    """Lets our errors, each in a printable line, end an example well."""
    with guarded():
        try:
            yield
        except FwdrevError as error:
            event(type(error).__name__)
            str(error).encode()
        else:
            event("read and used")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the file of an example, which is written anew for each."""
    made = tmp_path_factory.mktemp("fuzz")
    (made / "manifest.json").write_text(samples.manifest_text())
    (made / "journal.jsonl").write_text(samples.journal_text())
    return made


def given_file(folder: Path, name: str, data: bytes) -> Path:
    """Writes a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def _crossovers(run: Run) -> None:
    for pair in itertools.islice(itertools.combinations(engines_measured(run), 2), 2):
        found = crossover(log_ratios(run, pair))
        assert all(isinstance(each, Crossing) for each in found.in_m.values())
        "\n".join(crossover_lines(found)).encode()
        found.to_json()


def _tables(run: Run) -> None:
    for table in (values(run), arms(run), cells(run), failures(run)):
        table.to_string()
    "\n".join([repr(run), *failure_lines(run)]).encode()


def _exported(run: Run) -> None:
    (to_csv(run) + to_costs(run) + to_pyperf(run)).encode()


def _baseline(run: Run) -> None:
    baseline_text(baseline_of(run)).encode()
    pairs_of(run.spec.engines)


def _judged(run: Run) -> None:
    _told(compared(baseline_of(samples.run()), run, threshold=0.05, title="x"))


def _told(report: Any) -> None:
    lines = [*text_lines(report), markdown(report), junit(report), *annotations(report)]
    "\n".join(lines).encode()


def _page(run: Run) -> None:
    record_html(run).encode()


RUN: Sequence[Callable[[Run], object]] = (_crossovers, _tables, _exported, _baseline, _judged, run_payload, _page)
"""The uses of a run."""


@examples(0.07)
@given(data=_files(changed(samples.manifest())), next_do=st.sampled_from(RUN))
def test_manifests(folder: Path, data: bytes, next_do: Callable[[Run], object]) -> None:
    """A run with a faulty manifest is refused or can be used."""
    given_file(folder, "journal.jsonl", samples.journal_text().encode())
    given_file(folder, "manifest.json", data)
    with ours():
        next_do(load(folder))


@examples(0.07)
@given(data=_files(joined(samples.journal())), next_do=st.sampled_from(RUN))
def test_journals(folder: Path, data: bytes, next_do: Callable[[Run], object]) -> None:
    """A run with a faulty journal is refused or can be used."""
    given_file(folder, "manifest.json", samples.manifest_text().encode())
    given_file(folder, "journal.jsonl", data)
    with ours():
        next_do(load(folder))


@examples(0.1)
@given(data=_files(changed(samples.baseline())))
def test_baselines(folder: Path, data: bytes) -> None:
    """A faulty baseline is refused, or a run can be compared with it."""
    with ours():
        found = load_baseline(given_file(folder, "baseline.json", data))
        baseline_text(found).encode()
        _told(compared(found, samples.run(), threshold=0.05, title="x"))


@examples(0.05)
@given(data=_files(joined(samples.record())))
def test_records(folder: Path, data: bytes) -> None:
    """A self-test's faulty record is refused or has a summary."""
    with ours():
        found = load_record(given_file(folder, "record.jsonl", data))
        summary = summarised(found)
        summary.to_json()
        delays_for(found.spec, found.threshold, 3)
        "\n".join([*found.warnings, *summary_lines(found, summary)]).encode()


@examples(0.2)
@given(data=_files(tables(samples.SPEC, samples.VALUES)))
def test_specifications(folder: Path, data: bytes) -> None:
    """A faulty specification is refused or has a plan of observations."""
    with ours():
        spec = make_spec(read_spec(given_file(folder, "sweep.toml", data)))
        next(FixedPlan(spec).steps())
        spec.problem_at(spec.cells[0])
        make_spec(spec.model_dump(mode="json"))


@examples(0.1)
@given(data=points())
def test_points(folder: Path, data: bytes) -> None:
    """A faulty file of arrays is refused or is the point of a function of two arguments."""
    with ours():
        target = Target(what="mine:f", at=str(given_file(folder, "point.npz", data)))
        probe_function(_sum, point_of(target, _sum), name="f", run=False)


def _sum(x: Any, y: Any = 0.0) -> Any:
    return x * 2.0 + y


_WORDS = st.one_of(
    st.integers(0, 9).map(str),
    st.sampled_from(
        ["-1", "1.5", "x", "9" * 30, "9" * 199, "9" * 201, "9" * 5000, "٣", "１", "0x3", "1_0", "+2", "nan", "#"]
    ),
)
_LINES = st.lists(_WORDS, max_size=4).map(" ".join)
_CHAINS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**6)), min_size=1, max_size=30).map(
    lambda sizes: "\n".join(
        [
            str(len(sizes)),
            *(f"{m} {n} {edges}" for (m, edges), n in zip(sizes, [3, *(m for m, _ in sizes)], strict=False)),
        ]
    )
)


@examples(0.1)
@given(data=_files(_CHAINS | st.lists(_LINES).map("\n".join)))
def test_factors(folder: Path, data: bytes) -> None:
    """A faulty chain of factors is refused or has best brackets."""
    with ours():
        str(cheapest(read_factors(given_file(folder, "factors.txt", data))).tree)
