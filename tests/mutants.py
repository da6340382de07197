"""Measures how many small faults the tests find: `make mutants`, or `python -m tests.mutants PACKAGE --sample 150`.

mutmut's operators make the faults, one at a time, in the bodies of functions: another operator, a number plus one, an
argument left out, None in place of a value. Texts stay as they are. The tests find a fault if one fails or takes
far too long. For each package, a random sample of faults, fixed by the seed, meets the tests that reach it. All modules
and tests are loaded once. Each fault runs in a fork, where it replaces the code of its function.
"""

import argparse
import difflib
import gc
import importlib
import os
import pickle
import random
import re
import resource
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from time import process_time
from types import CodeType, FunctionType
from typing import TypeVar

import coverage
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string
from scipy.stats import binomtest

T = TypeVar("T")
ROOT = Path(__file__).parents[1]

PACKAGES = {
    "bench/timing": ["tests/bench/timing"],
    "modes/engines": ["tests/modes/engines", "tests/modes/bracketing"],
    "results/stats": ["tests/results/stats", "tests/results/text"],
    "results/gate": ["tests/results/gate", "--ignore=tests/results/gate/test_simulated.py", "tests/results/text"],
}
"""Each package with its tests, as pytest takes them."""

EQUIVALENT = Path(__file__).parent / "data" / "equivalent-mutants.txt"
"""Equivalent mutants, reviewed one by one: they change nothing observable, so they do not count."""

_LONG = 2.0
"""Processor seconds beyond which a test is left out."""

_PATIENCE, _MEMORY = 20.0, 8 << 30
"""Processor seconds for the tests of a fault, beyond twice their time without it; and bytes of memory."""


@dataclass(frozen=True)
class Mutant:
    """A fault: its function, file and lines, the original code and its replacement."""

    file: str
    function: str
    lines: range
    module: cst.Module
    old: cst.CSTNode
    new: cst.CSTNode

    @cached_property
    def text(self) -> str:
        """The whole file with the fault."""
        return cst.ensure_type(self.module.deep_replace(self.old, self.new), cst.Module).code

    def __str__(self) -> str:
        """One line: the place, the original code, the replacement."""
        changed = difflib.unified_diff(self.module.code.splitlines(), self.text.splitlines(), n=0, lineterm="")
        parts = [f"{line[0]} {line[1:].strip()}" for line in changed if re.match(r"[-+](?!--|\+\+)", line)]
        return f"{self.file} {self.function}: {'  '.join(parts)}"

    @contextmanager
    def applied(self, functions: Sequence[FunctionType]) -> Iterator[None]:
        """Gives these functions, as others imported them, the code of the fault for a while."""
        before = [each.__code__ for each in functions]
        code = _code_of(compile(self.text, before[0].co_filename, "exec"), self.function)
        for each in functions:
            each.__code__ = code
        try:
            yield
        finally:
            for each, old in zip(functions, before, strict=True):
                each.__code__ = old


def _code_of(code: CodeType, function: str) -> CodeType:
    for each in code.co_consts:
        if isinstance(each, CodeType) and f"{function}.".startswith(f"{each.co_qualname}."):
            return each if each.co_qualname == function else _code_of(each, function)
    raise LookupError(function)


class _Mutations(cst.CSTVisitor):
    """Collects the mutants of a file from the bodies of functions, without annotations, decorators or defaults."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: str, module: cst.Module) -> None:
        """Starts with no mutants."""
        super().__init__()
        self.found: list[Mutant] = []
        self._file, self._module, self._statement = file, module, range(0)
        self._names, self._depth = list[str](), 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Applies every operator to each node."""
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Parameters):
            return False
        if isinstance(node, cst.ClassDef | cst.FunctionDef) and not self._depth:
            self._names.append(node.name.value)
        if self._depth:
            self._mutate(node, self._lines(node))
        self._depth += isinstance(node, cst.FunctionDef)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Leaves a function or a class."""
        self._depth -= isinstance(original_node, cst.FunctionDef)
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef) and not self._depth:
            self._names.pop()

    def _lines(self, node: cst.CSTNode) -> range:
        """The lines of the whole simple statement, since an interpreter may report any of them."""
        place = self.get_metadata(PositionProvider, node, None)
        lines = self._statement if place is None else range(place.start.line, place.end.line + 1)
        if isinstance(node, cst.SimpleStatementLine):
            self._statement = lines
        return self._statement if lines.start in self._statement else lines

    def _mutate(self, node: cst.CSTNode, lines: range) -> None:
        name = ".".join(self._names)
        for kind, operator in mutation_operators:
            if isinstance(node, kind) and operator is not operator_string:
                self.found += [Mutant(self._file, name, lines, self._module, node, new) for new in operator(node)]


def mutants(package: str) -> list[Mutant]:
    """All mutants of a package, in the order of its files."""
    found: list[Mutant] = []
    for path in sorted((ROOT / package).rglob("*.py")):
        wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
        visitor = _Mutations(str(path.relative_to(ROOT)), wrapper.module)
        wrapper.visit(visitor)
        found += visitor.found
    return found


_Reach = tuple[float, frozenset[tuple[str, int]]]
"""The processor seconds of a test, and the lines that it reaches as (file, line)."""


@dataclass
class Trial:
    """A pytest plugin that tries the mutants of a sample instead of running the tests."""

    package: str
    sample: Sequence[Mutant]
    survivors: list[str] = field(default_factory=list)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Runs after everything is imported and before any test."""
        for path in sorted((ROOT / self.package).rglob("*.py")):
            importlib.import_module(".".join(["fwdrev", *path.relative_to(ROOT).with_suffix("").parts]))
        gc.unfreeze()  # the collector does not list what is frozen
        functions = _functions()
        session.config.pluginmanager.unregister(name="terminalreporter")
        gc.freeze()
        reaches = {item: reach for item in session.items if (reach := _reach(item, self.package))}
        _say(f"{self.package}: {len(reaches)} of {len(session.items)} tests reach it within {_LONG:g} s")
        for mutant in self.sample:
            lines = {(mutant.file, line) for line in mutant.lines}
            asked = sorted((item for item in reaches if reaches[item][1] & lines), key=lambda item: reaches[item][0])
            seconds = sum(reaches[item][0] for item in asked)
            with mutant.applied(functions[mutant.file, mutant.function]):
                passed = _forked(partial(_passes, asked), _PATIENCE + 2 * seconds)
            if passed:
                self.survivors.append(str(mutant))
                _say(f"  {len(asked)} tests pass: {mutant}")
        gc.unfreeze()
        return True


def _functions() -> dict[tuple[str, str], list[FunctionType]]:
    """All our functions, by file and name."""
    home, found = ROOT / "fwdrev", defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and (path := Path(each.__code__.co_filename)).is_relative_to(home):
            found[str(path.relative_to(home)), each.__code__.co_qualname].append(each)
    return found


def _reach(item: pytest.Item, package: str) -> _Reach | None:
    """Measures the reach of a test that runs alone; None if it misses the package, takes too long or fails."""

    def watched() -> _Reach | None:
        cover = coverage.Coverage(data_file=None, config_file=False, include=[str(ROOT / package / "*")])
        with cover.collect():
            passed = _passes([item])
        data = cover.get_data()
        lines = {(str(Path(f).relative_to(ROOT)), n) for f in data.measured_files() for n in data.lines(f) or ()}
        return (process_time(), frozenset(lines)) if passed and lines else None

    return _forked(watched, _LONG)


def _passes(items: Sequence[pytest.Item]) -> bool:
    """Whether all these tests pass; stops at the first failure."""
    failures: list[pytest.TestReport] = []

    class Watch:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            failures.extend([report] * report.failed)

    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.pluginmanager.register(watch := Watch())
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        item.config.pluginmanager.unregister(watch)
        if failures:
            return False
    return True


def _forked(work: Callable[[], T], seconds: float) -> T | None:
    """Runs a function in a process of its own; returns its result, or None after more processor seconds than this."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.alarm(int(30 * seconds) + 1)  # a process that waits forever
        try:
            os.write(writing, pickle.dumps(work()))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    os.waitpid(child, 0)
    return pickle.loads(told) if told else None  # noqa: S301 - our own data


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Prints the surviving mutants of each package, and its score with a 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", choices=[*PACKAGES, []], help="all, unless some are given")
    parser.add_argument("--sample", type=int, default=150, help="how many of each package")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    given = parser.parse_args()
    known = set(EQUIVALENT.read_text(encoding="utf-8").splitlines())
    packages = given.packages or [*PACKAGES]
    if len(packages) > 1:  # each in a process of its own, since pytest loads fwdrev once
        command = [sys.executable, "-m", "tests.mutants", "--sample", str(given.sample), "--seed", str(given.seed)]
        codes = [subprocess.run([*command, one], check=False).returncode for one in packages]
        sys.exit(any(codes))
    (package,) = packages
    everything = mutants(package)
    sample = random.Random(given.seed).sample(everything, min(given.sample, len(everything)))
    trial = Trial(package, [one for one in sample if str(one) not in known])
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *PACKAGES[package]]
    if pytest.main(arguments, plugins=[trial]) != pytest.ExitCode.OK:
        sys.exit(f"{package}: the tests could not be loaded, or do not pass")
    number, found = len(trial.sample), len(trial.sample) - len(trial.survivors)
    interval = binomtest(found, number).proportion_ci(method="wilson")
    _say(
        f"{package}: {found} of {number} found, {100 * found / number:.1f} % ({100 * interval.low:.1f} to "
        f"{100 * interval.high:.1f} %); drawn from {len(everything)}, {len(sample) - number} change nothing"
    )


if __name__ == "__main__":
    main()
