"""Engines and problems of other packages, broken in every way: each has its reason, and everything else works."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench.records.observation import Cell, Observation, Status
from fwdrev.bench.records.spec import make_spec
from fwdrev.bench.revisions.side import Side
from fwdrev.bench.workers.cell_visit import memory_measured, prepared
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import Request
from fwdrev.cli.commands import run as command
from fwdrev.modes import InputError, UnavailableError, engine, engine_names, problem
from fwdrev.modes.bracketing.machine_prices import Seconds
from fwdrev.modes.registry import engine_fault, find_engine
from fwdrev.results.costs.prediction import predicted_ratios
from tests.scripted import scripted_run
from tests.wild.reports import OURS, report

HEAD = """
import abc, numpy as np
from fwdrev.modes import Direction, engine, problem, shaped
from fwdrev.modes.core.cost import EngineCost
from fwdrev.modes.core.engine import Engine

def counted(number):
    "Counts that no type checker sees."
    made = EngineCost(multiply_adds=0, passes=1, bytes_moved=1, peak_bytes=1)
    object.__setattr__(made, "multiply_adds", number)
    return made

class Whole(Engine):
    "Right in all."
    __slots__ = ()
    name, summary, direction = "whole", "a whole one", Direction.FORWARD
    def prepare(self, chain, wrt):
        return engine("forward").prepare(chain, wrt)
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)
"""

ENGINES = {
    "whole": "",
    "function": "def function(): pass",
    "instance": "instance = object()",
    "other": "class other: pass",
    "demanding": "class demanding(Whole):\n    def __init__(self, a): pass",
    "partial": "class partial(Engine):\n    name, summary, direction = 'partial', '', Direction.FORWARD",
    "nameless": (
        "class nameless(Engine):\n    summary, direction = '', Direction.FORWARD\n    prepare = cost = lambda *_: None"
    ),
    "sideways": "class sideways(Whole):\n    direction = 'sideways'",
    "moody": "class moody(Whole):\n    library = property(lambda self: 1 / 0)",
    "kept": "kept = Whole()",
}
"""By entry point: the code of a module that has `NAME`, or `Whole`."""

PROBLEMS = {
    "good": "def good(n, m, rng, dtype, *, depth=1):\n    'A good one.'\n    return problem('driven', n=n, m=m)",
    "fewer": "def fewer(n, m): pass",
    "value": "value = 3",
    "none": "def none(n, m, rng, dtype): pass",
    "raising": "def raising(n, m, rng, dtype):\n    raise KeyError('no such')",
    "smaller": "def smaller(n, m, rng, dtype):\n    return problem('driven', n=n + 1, m=m)",
    "bound": "def bound(n, m, rng, dtype, *, depth): pass",
    "odd": "def odd(n, m, rng, dtype, *, at=np.ones(3)): pass",
    "ruled": "@shaped('n = m', nearest=lambda n, m: 1 // 0)\ndef ruled(n, m, rng, dtype): pass",
    "misruled": "@shaped('n = m', nearest=lambda n, m: 'n')\ndef misruled(n, m, rng, dtype): pass",
    "shapeless": "def shapeless(n, m, rng, dtype): pass\nshapeless.shape_rule = 'any'",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Packages"]:
    """A folder for packages, on the path of this process and its children."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    packages = Packages(folder)
    yield packages
    packages.forget()


class Packages:
    """Packages as pip would install them there."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._modules = folder, list[str]()

    def add(self, package: str, points: str | bytes, **modules: str) -> None:
        """Adds a package with its entry points, and its modules by name."""
        info = self._folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        text = points if isinstance(points, bytes) else points.encode()
        (info / "entry_points.txt").write_bytes(text)
        for name, code in modules.items():
            (self._folder / f"{name}.py").write_text(code)
            self._modules.append(name)

    def forget(self) -> None:
        """Forgets its modules, since another test reuses their names."""
        for name in self._modules:
            sys.modules.pop(name, None)


def listed(what: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The rows of `fwdrev engines` or `fwdrev problems`, which must work, also as text."""
    assert command([what, "--json"]) == 0  # first, since only the first import prints
    data = json.loads(capsys.readouterr().out)
    assert command([what]) == 0
    text = capsys.readouterr().out
    rows = {row["name"]: row for row in data[what]}
    assert all(row["summary"] in text for row in rows.values())
    return rows


def put(packages: Packages, kind: str, codes: dict[str, str]) -> None:
    """Puts all of them in one package, a module each."""
    points = "\n".join(f"{name} = their_{name}:{name if code else 'Whole'}" for name, code in codes.items())
    modules = {f"their_{name}": f"{HEAD}{code}\n" for name, code in codes.items()}
    packages.add("theirs", f"[fwdrev.{kind}s]\n{points}\n", **modules)


def case(source: str, name: str, said: str) -> Any:
    """A row with its report."""
    return pytest.param(name, said, id=name, marks=report(source))


WHY = [
    case("rachis-org/rachis#121", "raises", "cannot be used: OSError: [Errno 5] no; mend or uninstall broken"),
    case("imbue-ai/mngr#2438", "missing", "ModuleNotFoundError: No module named 'not_there'; install what it needs"),
    case("datachain-ai/datachain#1904", "gone", "No module named 'their_gone_module'; install what it needs"),
    case("eWaterCycle/ewatercycle#391", "syntax", "cannot be used: SyntaxError: "),
    case(OURS, "exits", "cannot be used: SystemExit: 3; mend"),
    case(OURS, "lacks", "has no attribute 'Nothing'"),
    case(OURS, "module", "names something that is of type module, and not a class derived from Engine"),
]
"""Entry points that do not load."""

BROKEN = """
[fwdrev.engines]
raises = their_raises:Whole
missing = their_missing:Whole
gone = their_gone_module:Whole
syntax = their_syntax:Whole
exits = their_exits:Whole
lacks = their_prints:Nothing
module = their_prints
prints = their_prints:Whole
"""


@pytest.fixture
def broken(installed: Packages) -> None:
    """A package with one module that prints, and others that do not load."""
    installed.add(
        "broken",
        BROKEN,
        their_raises="raise OSError(5, 'no')",
        their_missing="import not_there",
        their_syntax="def",
        their_exits="raise SystemExit(3)",
        their_prints=f"print('hello')\n{HEAD}",
    )


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(("name", "said"), WHY)
def test_what_does_not_load_is_listed_with_its_reason(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything else is listed too; prints stay out of the answer; requesting a broken one by name gives one line."""
    rows = listed("engines", capsys)
    assert not rows[name]["available"]
    assert said in rows[name]["summary"]
    assert rows["prints"]["available"]
    assert rows["forward"]["available"]
    with pytest.raises(UnavailableError, match="of package broken cannot be used") as caught:
        engine(name)
    assert "\n" not in str(caught.value)
    assert find_engine(name) is None


NO_ENGINES = {
    "function": "something that is of type function, and not a class derived from Engine",
    "instance": "something that is of type object",
    "other": "something that is the class other",
    "demanding": "TypeError: ",
    "partial": "Can't instantiate abstract class partial",
    "nameless": "AttributeError: ",
    "sideways": "its direction is 'sideways', and not a Direction",
    "moody": "ZeroDivisionError: division by zero",
}
"""The reasons why some of `ENGINES` are not engines; the others are."""


@report("simonw/llm#1465")
def test_what_is_no_engine(installed: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    """A class that lacks a method, an instance, a fact of the wrong kind, and one that raises are refused."""
    put(installed, "engine", ENGINES)
    rows = listed("engines", capsys)
    for name in ENGINES:
        row, said = rows[name], NO_ENGINES.get(name)
        assert row["available"] is (said is None)
        assert (said or "a whole one") in row["summary"]
        assert (engine_fault(name) is None) is (said is None)


NO_PROBLEMS = {
    "fewer": "TypeError: too many positional arguments",
    "value": "something of type int, and not a factory",
    "none": "at n = 2, m = 2: its factory returns a NoneType, and no Problem",
    "raising": "at n = 2, m = 2: KeyError: 'no such'",
    "smaller": "its factory returns a problem of n = 3, m = 2",
    "bound": "TypeError: missing a required ",
    "odd": "its option at has no default that is a number",
    "ruled": "in its shapes: ZeroDivisionError",
    "misruled": "in its shapes: ValueError",
    "shapeless": "its shapes are not those of the decorator `shaped`",
}
"""The reasons why all of `PROBLEMS` but the good one are not problems."""


@report("simonw/llm#1465")
def test_what_is_no_problem(installed: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    """Factories with other arguments, another result or an error are refused, and so are rules that raise."""
    put(installed, "problem", PROBLEMS)
    rows = listed("problems", capsys)
    assert rows["good"]["summary"] == "A good one."
    assert rows["driven"]["available"]
    assert problem("good", n=2, m=2).m == 2
    assert {"good", *NO_PROBLEMS} == set(PROBLEMS)
    for name, said in NO_PROBLEMS.items():
        with pytest.raises((UnavailableError, InputError)) as caught:
            problem(name, n=2, m=2)
        assert said in str(caught.value)
        assert f"problem {name!r} of package theirs" in str(caught.value)
        with pytest.raises((UnavailableError, InputError), match="of package theirs"):
            make_spec({"problem": name, "inputs": [2], "outputs": [2], "engines": ["forward"]})


@report(OURS)
def test_names_that_are_taken_or_odd(installed: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    """Ours win, with a warning; a name of two packages lists both; a name that cannot be requested says so."""
    line = "= their_whole:Whole\n"
    odd = ["a,b", "a b", "a:b", "\x1b[31mred"]
    installed.add("one", f"[fwdrev.engines]\nforward {line}twice {line}same {line}", their_whole=HEAD)
    installed.add("two", f"[fwdrev.engines]\ntwice = elsewhere:Whole\nsame {line}")
    installed.add("three", "[fwdrev.engines]\n" + "".join(f"{name} {line}" for name in odd))
    rows = listed("engines", capsys)
    assert type(engine("forward")).__module__ == "fwdrev.modes.engines.forward"
    assert rows["same"]["available"]
    said = rows["twice"]["summary"]
    assert "is given by several packages, one (their_whole:Whole) and two (elsewhere:Whole)" in said.replace(
        "two (elsewhere:Whole) and one (their_whole:Whole)", "one (their_whole:Whole) and two (elsewhere:Whole)"
    )
    for name in odd:
        assert "nobody can ask for this name" in rows[name]["summary"]
    command(["engines"])
    text = capsys.readouterr().out
    assert "engine 'forward' of package one is not used: the name is taken" in text
    assert "\x1b" not in text


@report("datachain-ai/datachain#1904")
@pytest.mark.parametrize(
    "points",
    [b"\xff\xfe[fwdrev.engines]", b"[fwdrev.engines", b"[fwdrev.engines]\nnothing", b"= \n[fwdrev.engines]\n= a:b"],
)
def test_metadata_that_cannot_be_read(points: bytes, installed: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken file of one package hides neither ours nor another package's."""
    installed.add("garbage", points)
    installed.add("fine", "[fwdrev.engines]\nfine = their_fine:Whole\n", their_fine=HEAD)
    rows = listed("engines", capsys)
    assert rows["forward"]["available"]
    assert rows["fine"]["available"]


ALTERING = """class {0}(Whole):
    def prepare(self, chain, wrt):
        J = super().prepare(chain, wrt)
        def altered(x, theta):
            {0} *= 0
            return J(x, theta)
        return altered
"""

USED = {
    "x": ALTERING.format("x"),
    "theta": ALTERING.format("theta"),
    "whole": "",
    "costless": "class costless(Whole):\n    def cost(self, chain, wrt): return 17",
    "half": "class half(Whole):\n    def cost(self, chain, wrt): return counted(0.5)",
    "below": "class below(Whole):\n    def cost(self, chain, wrt): return counted(-1)",
    "numpied": "class numpied(Whole):\n    def cost(self, chain, wrt): return counted(np.int64(7))",
    "counting": "class counting(Whole):\n    def cost(self, chain, wrt): raise LookupError('uncounted')",
    "program": "class program(Whole):\n    def program_cost(self, chain, wrt): return {'flops': 1}",
    "priced": "class priced(Whole):\n    def priced(self, prices): raise LookupError('unpriced')",
    "idle": "class idle(Whole):\n    def prepare(self, chain, wrt): return None",
    "wordy": "class wordy(Whole):\n    def prepare(self, chain, wrt): return lambda x, theta: np.ones((9, 9))",
    "objects": "class objects(Whole):\n    def prepare(self, chain, wrt):\n"
    "        return lambda x, theta: np.full((chain.n_out, theta.size), None, dtype=object)",
}
"""Engines that load, and then misbehave."""

WAYS = {
    "x": (Status.FAILED, "ValueError: output array is read-only"),
    "theta": (Status.FAILED, "ValueError: output array is read-only"),
    "whole": (Status.MEASURED, None),
    "costless": (Status.FAILED, "TypeError: its counts are of type int, and no EngineCost"),
    "half": (Status.FAILED, "TypeError: 'float' object cannot be interpreted as an integer"),
    "below": (Status.FAILED, "ValueError: its counts are below zero"),
    "numpied": (Status.MEASURED, None),
    "counting": (Status.FAILED, "LookupError: uncounted"),
    "program": (Status.FAILED, "TypeError: its counts are of type dict, and no ProgramCost"),
    "priced": (Status.FAILED, "LookupError: unpriced"),
    "idle": (Status.FAILED, "TypeError: 'NoneType' object is not callable"),
    "wordy": (Status.WRONG, "its Jacobian has the"),
    "objects": (Status.FAILED, "TypeError: "),
}


def request(folder: Path) -> Request:
    """The request to a worker that prepares."""
    return Request(spec={}, round=-1, cells=[], loops={}, skips={}, folder=str(folder), ledger="", cpus=[], memory=None)


@report(OURS)
def test_what_fails_in_a_cell_is_recorded_with_its_reason(installed: Packages, tmp_path: Path) -> None:
    """Each arm fails alone, in a record that can be written and read; the others are measured.

    The engine that alters the point comes first: otherwise the others would be wrong there.
    """
    put(installed, "engine", USED)
    spec = make_spec({"inputs": [3], "outputs": [2], "engines": list(USED), "wrt": "theta"})
    ledger, cell = Ledger(tmp_path / "ledger", list(USED)), Cell(3, 2)
    arms = prepared(spec, cell, list(USED), request(tmp_path), ledger)
    ended = {
        name: (arm.status, None if arm.reason is None else arm.reason[: len(WAYS[name][1] or "")])
        for name, arm in arms.items()
    }
    assert ended == WAYS
    seen = Observation(round=-1, cell=cell, arms=arms)
    assert Observation.from_json(json.loads(json.dumps(seen.to_json()))).arms == arms
    assert memory_measured(spec, cell, ["priced"], request(tmp_path), ledger)["priced"].status is Status.FAILED


@report(OURS)
def test_a_side_counts_in_plain_numbers(installed: Packages) -> None:
    """NumPy's integers can be sent; any other count is a failure of that arm."""
    put(installed, "engine", USED)
    side = Side()
    side.fwdrev = __import__("fwdrev")
    side.at = {"problem": "driven", "n": 3, "m": 2, "seed": 0, "dtype": "float64", "wrt": "theta", "options": {}}
    assert json.loads(json.dumps(side.count("numpied")))["cost"]["multiply_adds"] == 7
    with pytest.raises(TypeError):
        side.count("half")


@report(OURS)
def test_what_alters_the_point_of_a_side_fails_alone(installed: Packages) -> None:
    """The arms of a cell share one point."""
    put(installed, "engine", USED)
    side = Side()
    side.fwdrev = __import__("fwdrev")
    side.cell(problem="driven", n=3, m=2, seed=0, dtype="float64", wrt="theta", options={})
    whole = side.prepare("whole", 0.0, 1)["product"]
    for name in ("x", "theta"):
        with pytest.raises(ValueError, match="read-only"):
            side.prepare(name, 0.0, 1)
    assert side.prepare("whole", 0.0, 1)["product"] == whole


@report(OURS)
def test_a_problem_that_fails_in_one_cell(installed: Packages, tmp_path: Path) -> None:
    """All arms fail there, with the reason."""
    code = "def late(n, m, rng, dtype):\n    assert n < 5, 'too many'\n    return problem('driven', n=n, m=m)"
    put(installed, "problem", {"late": code})
    spec = make_spec({"problem": "late", "inputs": [3, 8], "outputs": [2], "engines": ["forward", "reverse"]})
    arms = prepared(spec, Cell(8, 2), ["forward", "reverse"], request(tmp_path), Ledger(tmp_path / "l", spec.engines))
    assert {arm.status for arm in arms.values()} == {Status.FAILED}
    assert {"too many" in str(arm.reason) for arm in arms.values()} == {True}


@report(OURS)
def test_a_run_of_what_is_broken_here_is_read(installed: Packages) -> None:
    """Without counts or a problem there are no predictions."""
    put(installed, "engine", USED)
    rates = Seconds.from_json({"tables": {}, "rates": {}})
    run = scripted_run(engines=["forward", "counting"])
    assert predicted_ratios(run, ("forward", "counting"), rates) is None
    assert "counting" in engine_names()
