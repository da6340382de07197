"""The action for GitHub: its inputs and outputs exist, and its scripts do their work when run as GitHub runs them."""

import re
import subprocess
from pathlib import Path

import pytest

from fwdrev.results.gate.verdicts.markdown import MARKER
from tests.github_runner import ACTION, STEPS, Runner, filled_in
from tests.project import commit, make_project

FWDREV = """
printf '%s\\n' "$@" > "$SEEN"
while [ $# -gt 0 ]; do
  case $1 in --junit | --markdown) echo "$1" > "$2" ;; esac
  shift
done
[ -z "$OUTCOME" ] || printf 'a table\\noutcome: %s\\n::error title=a::b\\n' "$OUTCOME"
exit "$CODE"
"""
"""A command that does what its environment says, and records its arguments."""

GH = """
printf '%s ' "$@" >> "$SEEN"
echo >> "$SEEN"
case $* in *--jq*) printf '%s' "$IDS" ;; esac
exit "$CODE"
"""

PYTHON = """
printf '%s|' "$0" "$@" >> "$SEEN"
echo >> "$SEEN"
case $1 in -c) echo /scripts ;; esac
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """An empty runner."""
    return Runner(tmp_path)


def _measure(runner: Runner, code: int, outcome: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    runner.command(runner.bin / "fwdrev", FWDREV)
    given = {"AGAINST": "abc", "FUNCTIONS": "", "ENGINES": "", "ARGS": "", "INCONCLUSIVE": "warn"} | inputs
    return runner.run("Measure both", CODE=str(code), OUTCOME=outcome, **given)


def test_inputs_and_outputs_exist() -> None:
    """Each used input is declared and each declared one used; each output of a step is written by it."""
    used = " ".join(filled_in(ACTION))
    assert set(re.findall(r"inputs\.([\w-]+)", used)) == set(ACTION["inputs"])
    by_id = {step["id"]: step for step in STEPS.values() if "id" in step}
    for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", used):
        assert f'"{output}=' in by_id[step]["run"]


def test_no_script_has_text_filled_in() -> None:
    """GitHub would run it as code. No third-party action is used either, since its tag could be moved."""
    for step in STEPS.values():
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert "uses" not in step


@pytest.mark.parametrize("name", STEPS)
def test_scripts_are_bash(name: str) -> None:
    """A parser finds no mistake."""
    done = subprocess.run(["bash", "-n", "-c", STEPS[name]["run"]], capture_output=True, text=True, check=False)  # noqa: S607 - as installed
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("code", "outcome", "inconclusive", "ends"),
    [
        (0, "unchanged", "warn", 0),
        (1, "regressed", "warn", 1),
        (3, "inconclusive", "warn", 0),
        (3, "inconclusive", "fail", 3),
        (4, "nothing to compare", "warn", 4),
        (2, "", "warn", 2),
    ],
)
def test_what_the_command_says_is_what_the_step_does(
    code: int, outcome: str, inconclusive: str, ends: int, runner: Runner
) -> None:
    """The command's exit code counts, except for an allowed inconclusive outcome; its annotations reach GitHub."""
    done = _measure(runner, code, outcome, INCONCLUSIVE=inconclusive)
    assert done.returncode == ends, done.stderr
    outputs = runner.outputs()
    assert (outputs["exit-code"], outputs["outcome"]) == (str(code), outcome)
    assert ("::error title=a::b" in done.stdout.splitlines()) == bool(outcome)
    for name in ("junit", "markdown"):
        assert Path(outputs[name]).read_text(encoding="utf-8") == f"--{name}\n"


@pytest.mark.parametrize("code", [0, 3])
def test_a_full_disk_is_no_regression(code: int, runner: Runner) -> None:
    """The copy of the text fails with 1, which is not the command's answer."""
    runner.command(runner.bin / "tee", "cat\nexit 1\n")
    done = _measure(runner, code, "unchanged")
    assert (done.returncode, runner.outputs()["exit-code"]) == (0, str(code)), done.stderr


def test_arguments_arrive_as_they_were_given(runner: Runner) -> None:
    """Arguments are quoted as in a shell, but no shell runs them."""
    arguments = "--point 'a b' --rounds 3\n--option \"x=$(touch bad)\""
    engines = "a:f,`touch bad`;touch bad"
    assert _measure(runner, 0, "unchanged", ENGINES=engines, ARGS=arguments).returncode == 0
    seen = runner.seen.read_text(encoding="utf-8").splitlines()
    assert seen[:3] == ["check", "--against", "abc"]
    assert seen[-9:] == [
        "--github",
        "--engines",
        engines,
        "--point",
        "a b",
        "--rounds",
        "3",
        "--option",
        "x=$(touch bad)",
    ]
    assert list(runner.work.iterdir()) == []


def test_functions_are_passed_on_and_nothing_else_by_default(runner: Runner) -> None:
    """Without inputs the project's own settings decide."""
    assert _measure(runner, 0, "unchanged").returncode == 0
    assert runner.seen.read_text(encoding="utf-8").splitlines()[-1] == "--github"
    assert _measure(runner, 0, "unchanged", FUNCTIONS="a:f,a:$(touch bad)", ARGS="--point a:p").returncode == 0
    seen = runner.seen.read_text(encoding="utf-8").splitlines()
    assert seen[-5:] == ["--github", "--functions", "a:f,a:$(touch bad)", "--point", "a:p"]
    assert list(runner.work.iterdir()) == []


@pytest.mark.parametrize(
    "inputs", [{"INCONCLUSIVE": "perhaps"}, {"ARGS": "--point 'a"}, {"FUNCTIONS": "a:f", "ENGINES": "forward"}]
)
def test_a_wrong_input_measures_nothing(inputs: dict[str, str], runner: Runner) -> None:
    """The step fails before."""
    assert _measure(runner, 0, "unchanged", **inputs).returncode != 0
    assert not runner.seen.exists()


def _origin(folder: Path) -> tuple[Path, str]:
    """A project with a branch merged for a pull request, whose main moved on after the branch; and main's commit."""
    origin = make_project(folder / "origin", {"a": "1"})
    _git(origin, "branch", "--move", "main")
    _git(origin, "switch", "--quiet", "--create", "change")
    (origin / "b").write_text("1", encoding="utf-8")
    commit(origin)
    _git(origin, "switch", "--quiet", "main")
    (origin / "a").write_text("2", encoding="utf-8")
    main = commit(origin)
    _git(origin, "switch", "--quiet", "--detach")
    _git(origin, "-c", "user.name=Test", "-c", "user.email=test@localhost", "merge", "--quiet", "-m", "x", "change")
    _git(origin, "update-ref", "refs/pull/1/merge", "HEAD")
    _git(origin, "switch", "--quiet", "main")
    (origin / "a").write_text("3", encoding="utf-8")
    commit(origin)
    return origin, main


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)  # noqa: S607 - as installed
    return done.stdout.strip()


@pytest.mark.parametrize("depth", [1, None])
def test_the_base_is_where_the_change_began(depth: int | None, runner: Runner, tmp_path: Path) -> None:
    """The base is the merge base of a pull request as GitHub checks it out, with the whole history or one commit."""
    origin, main = _origin(tmp_path)
    _git(runner.work, "init", "--quiet")
    _git(runner.work, "remote", "add", "origin", origin.as_uri())
    wanted = ["+refs/pull/1/merge:refs/remotes/pull/1/merge"]
    wanted = ["--depth=1", *wanted] if depth else ["+refs/heads/*:refs/remotes/origin/*", *wanted]
    _git(runner.work, "fetch", "--quiet", "--no-tags", "origin", *wanted)
    _git(runner.work, "checkout", "--quiet", "refs/remotes/pull/1/merge")
    done = runner.run("Find the base", AGAINST="", BASE="main")
    assert done.returncode == 0, done.stderr
    assert runner.outputs() == {"against": main}
    assert _git(runner.work, "cat-file", "-t", main) == "commit"


def test_a_base_that_is_given_is_taken(runner: Runner) -> None:
    """Any base is passed on, for the command to judge. Without one there must be a pull request."""
    assert runner.run("Find the base", AGAINST="HEAD^", BASE="main").returncode == 0
    assert runner.outputs() == {"against": "HEAD^"}
    done = runner.run("Find the base", AGAINST="", BASE="")
    assert done.returncode == 2
    assert "::error title=fwdrev check::this is no pull request" in done.stdout


@pytest.mark.parametrize(
    ("ids", "wrote"),
    [
        ("", "api --silent repos/me/mine/issues/7/comments -F body=@"),
        ("12\n15\n", "api --silent --method PATCH repos/me/mine/issues/comments/12 -F body=@"),
    ],
)
def test_there_is_one_comment(ids: str, wrote: str, runner: Runner) -> None:
    """The comment is a new one, or the existing one, found by the beginning of our Markdown."""
    runner.command(runner.bin / "gh", GH)
    answer = runner.work / "check.md"
    answer.write_text(MARKER, encoding="utf-8")
    given = {"GITHUB_REPOSITORY": "me/mine", "GH_TOKEN": "", "NUMBER": "7", "MARKDOWN": str(answer), "IDS": ids}
    assert runner.run("Comment", CODE="0", **given).returncode == 0
    looked, written = runner.seen.read_text(encoding="utf-8").splitlines()
    assert f'startswith("{MARKER}")' in looked
    assert written.strip() == f"{wrote}{answer}"
    refused = runner.run("Comment", CODE="1", **given)
    assert (refused.returncode, refused.stdout.startswith("::warning ")) == (0, True)
    assert len(runner.seen.read_text(encoding="utf-8").splitlines()) == 3
    answer.unlink()
    assert runner.run("Comment", CODE="0", **given).returncode == 0
    assert len(runner.seen.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("version", "installed"), [("", "/the/action"), ("fwdrev==1; touch bad", "fwdrev==1; touch bad")]
)
def test_what_is_installed(version: str, installed: str, runner: Runner) -> None:
    """The action's own version, or the requested one, is installed with the requested Python, scripts included."""
    runner.command(runner.bin / "python", PYTHON)
    runner.command(runner.bin / "python3.12", PYTHON)
    for name in ("3.12.9", "3.12.10", "3.1.5"):
        runner.command(
            Path(runner.environment["RUNNER_TOOL_CACHE"]) / "Python" / name / "x64" / "bin" / "python", PYTHON
        )
    for asked, python in (("", "/bin/python"), ("3.12", "3.12.10/x64/bin/python"), ("3.1", "3.1.5/x64/bin/python")):
        runner.seen.unlink(missing_ok=True)
        done = runner.run("Install fwdrev", VERSION=version, PYTHON_VERSION=asked, GITHUB_ACTION_PATH="/the/action")
        assert done.returncode == 0, done.stderr
        pip = runner.seen.read_text(encoding="utf-8").splitlines()[0]
        assert pip.partition("|")[0].endswith(python)
        assert pip.endswith(f"|-m|pip|install|--quiet|--disable-pip-version-check|{installed}|")
    assert runner.path.read_text(encoding="utf-8") == "/scripts\n" * 3
    assert list(runner.work.iterdir()) == []


@pytest.mark.parametrize("given", [{"PYTHON_VERSION": "2.0"}, {"RUNNER_OS": "Windows"}])
def test_where_it_cannot_be_installed(given: dict[str, str], runner: Runner) -> None:
    """The step says so, and ends."""
    done = runner.run("Install fwdrev", **{"VERSION": "", "PYTHON_VERSION": "", **given})
    assert done.returncode == 2
    assert done.stdout.startswith("::error title=fwdrev check::")
    assert len(done.stdout.splitlines()) == 1
