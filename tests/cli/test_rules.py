"""`fwdrev rules`: its output, the code that it prints, and its messages for bad input."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fwdrev.results import load, scoreboard
from tests.command import TINY, expect_one_line, fwdrev
from tests.doubles.workers_here import workers_here
from tests.scripted import on_disk, scripted_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scripted runs: two problems, one without reverse mode, one of another machine."""
    folder = tmp_path_factory.mktemp("runs")
    for name, fields in (
        ("theta", {}),
        ("x", {"wrt": "x"}),
        ("half", {"engines": ["forward", "jax-jvp"], "inputs": "8"}),
    ):
        on_disk(folder / name, scripted_run(noise=0.02, **fields))
    on_disk(folder / "other", replace(scripted_run(inputs="8"), machine={"cpu_model_name": "Z80", "versions": {}}))
    return folder


def test_real_runs_are_scored(measured: Path, tmp_path: Path) -> None:
    """On two problems measured here, counts and rules have scores, and the printed code runs as scored."""
    (tmp_path / "plane").symlink_to(measured)
    with workers_here():
        done = fwdrev(*TINY, "--problem", "mlp", "--rounds", "1", "--out", "mlp", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = fwdrev("rules", "plane", "mlp", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout, parse_constant=pytest.fail)["pairs"]
    assert found["pair"] == ["forward", "reverse"]
    assert [each["problem"] for each in found["problems"]] == ["driven, wrt theta", "mlp, wrt theta"]
    assert {each["rule"] for each in found["rules"]} >= {"always reverse", "lineax", "operation counts"}
    assert all(1 <= each["mean_slowdown"] <= each["worst_slowdown"] for each in found["rules"])
    defined: dict[str, Any] = {}
    exec(found["best"]["code"], defined)  # noqa: S102 - as a user would paste it
    board = scoreboard([load(tmp_path / name) for name in ("plane", "mlp")], ("forward", "reverse"))
    assert board.problems[1].shapes[8, 2] == (9 * 32 + 33 * 32 + 33 * 2, 2)  # of the network's weights and biases
    for problem in board.problems:
        for n, m in problem.points[0].tolist():
            assert defined["use_forward"](n, m) == board.best.forward(n, m)
    assert found["best"]["left_out"]["mean_slowdown"] == pytest.approx(board.left_out and board.left_out.mean_slowdown)
    text = fwdrev("rules", "plane", "mlp", cwd=tmp_path).stdout
    assert f"    {found['best']['code']}\n" in text
    assert "DiffSharp; asdex" in text


def test_the_table_is_aligned(runs: Path) -> None:
    """Each rule has a row with numbers below their heads; then come the problems, and a note on omitted runs."""
    done = fwdrev("rules", runs / "theta", runs / "x", runs / "half", "--pair", "reverse,forward")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "forward or reverse, chosen by a rule, over 2 problems, each of which weighs the same:"
    head = lines[1]
    rows = lines[2 : lines.index("")]
    assert len(rows) == 5
    for column in ("forward when", "right", "mean", "worst"):
        at = head.index(column)
        assert {row[at - 2 : at] for row in rows} == {"  "}
        assert all(row[at] != " " for row in rows)
    assert any(line.startswith("1  driven, wrt theta") for line in lines)
    assert any(line.startswith(f"note: left out: {runs / 'half'}") for line in lines)
    assert "On problems that it was not fitted to" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("nowhere",), 2, "nowhere is not a run"),
        (("half",), 4, "no run measured a forward and a reverse engine of one library"),
        (("half", "--pair", "forward,reverse"), 4, "no rule can be scored for forward and reverse"),
        (("theta", "other"), 2, "cannot be scored together; give those of one"),
        (("theta", "--pair", "forward,revers"), 2, "unknown engine 'revers'"),
        (("theta", "--pair", "forward,jax-jvp"), 2, "name a forward and a reverse engine"),
        ((), 2, "Missing argument 'RUN...'"),
    ],
)
def test_bad_input_gets_one_line(runs: Path, arguments: tuple[str, ...], code: int, part: str) -> None:
    """The code is 2 for wrong input, 4 if nothing can be scored."""
    expect_one_line(fwdrev("rules", *arguments, cwd=runs), code, part)
