"""The pages and the example describe the action for GitHub as it is."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.github_runner import ACTION, filled_in

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "github-workflow.yml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
FUNCTIONS_PAGE = (ROOT / "docs" / "gate-your-function.md").read_text(encoding="utf-8")


def test_the_example_uses_the_action_as_it_is() -> None:
    """The example fetches the whole history, needs no other permission, sets no input, and its job has ten lines."""
    workflow: Any = yaml.safe_load(EXAMPLE)
    (job,) = workflow["jobs"].values()
    (ours,) = [step for step in job["steps"] if step.get("uses", "").startswith("OWNER/fwdrev@")]
    assert set(ours) == {"uses"}
    assert workflow["permissions"] == {"contents": "read"}
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    assert len(EXAMPLE.partition("jobs:\n")[2].splitlines()) <= 10


def _blocks(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_the_pages_show_the_example_and_the_inputs() -> None:
    """The examples match; the comment's workflow uses existing inputs and outputs; and the GitLab example is YAML."""
    (example,) = _blocks(FUNCTIONS_PAGE)
    assert example == EXAMPLE
    for name, of in ACTION["inputs"].items():
        assert f"| `{name}` | {of['description']}. |" in PAGE
    comment, gitlab = _blocks(PAGE)
    job = yaml.safe_load(comment)
    assert job["permissions"]["pull-requests"] == "write"
    ours, upload = job["steps"]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    used = re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", " ".join(filled_in(upload)))
    assert len(used) == 3
    assert all(step == ours["id"] and output in ACTION["outputs"] for step, output in used)
    assert yaml.safe_load(gitlab)["fwdrev"]["artifacts"]["reports"]["junit"] == "junit.xml"
