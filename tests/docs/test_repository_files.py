"""Files of this repository for a forge: the workflow of CI, and the citation."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOW: Any = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
STEPS = {name: job["steps"] for name, job in WORKFLOW["jobs"].items()}


def _targets(job: str) -> list[str]:
    """The make targets that a job runs; its steps run nothing else."""
    lines = [step["run"] for step in STEPS[job] if "run" in step]
    targets = [
        re.sub(r"^make ([a-z-]+) PYTHON=python(3\.\d+|\$\{\{ matrix\.python \}\})$", r"\1", line) for line in lines
    ]
    assert all(re.fullmatch(r"[a-z-]+", target) for target in targets), lines
    return targets


@pytest.mark.parametrize("job", STEPS)
def test_a_job_runs_make_targets_that_exist(job: str) -> None:
    """Jobs run no commands of their own."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert _targets(job)
    assert {target for target in _targets(job) if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_change_is_checked_and_tested_on_each_python() -> None:
    """The Pythons go from the lowest that the package allows to the newest available."""
    assert _targets("check") == ["check", "docs", "wheel"]
    assert _targets("test") == ["test"]
    pythons = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == [f"3.{minor}" for minor in range(11, 15)]
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_the_long_suite_runs_once_a_week() -> None:
    """The long suite runs on a schedule or on request only, with every Python that `make test-versions` knows."""
    triggers = WORKFLOW[True]  # `on` is true in YAML 1.1
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", triggers["schedule"][0]["cron"])
    assert _targets("weekly") == ["test-all", "test-versions"]
    assert "schedule" in WORKFLOW["jobs"]["weekly"]["if"]
    (setup,) = [step for step in STEPS["weekly"] if "setup-python" in step.get("uses", "")]
    pythons = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert sorted(setup["with"]["python-version"].split()) == pythons


@pytest.mark.parametrize("job", STEPS)
def test_actions_are_pinned(job: str) -> None:
    """GitHub's own are pinned to a major version, as on our pages; others to a commit."""
    uses = [step["uses"] for step in STEPS[job] if "uses" in step]
    assert uses
    assert [one for one in uses if not re.fullmatch(r"actions/[\w-]+@v\d+|[\w./-]+@[0-9a-f]{40}", one)] == []


def test_the_citation_says_what_the_package_says() -> None:
    """The citation follows version 1.2.0 of the format, with all required fields; its authors are the license's."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert cited["message"]
    fields = ("title", "version", "license", "keywords", "abstract")
    assert [cited[field] for field in fields] == [
        PROJECT[field] for field in ("name", "version", "license", "keywords")
    ] + [f"{PROJECT['description']}."]
    (holder,) = re.findall(r"^Copyright \(c\) \d+ (.+)$", (ROOT / "LICENSE").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited["authors"] == [{"name": holder}]
