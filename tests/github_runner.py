"""Runs the steps of our action in tests as GitHub's runner would."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ACTION", "STEPS", "Runner", "filled_in"]

ACTION: Any = yaml.safe_load((Path(__file__).parent.parent / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, Any] = {step["name"]: step for step in ACTION["runs"]["steps"]}


class Runner:
    """A folder that looks to a script like GitHub's runner."""

    def __init__(self, folder: Path) -> None:
        self.seen, self.output, self.path = folder / "seen", folder / "output", folder / "path"
        self.bin, self.work = folder / "bin", folder / "work"
        for each in (self.bin, self.work, folder / "temp"):
            each.mkdir()
        self.environment = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_TOOL_CACHE": str(folder / "tools"),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_PATH": str(self.path),
            "SEEN": str(self.seen),
        }

    def command(self, path: Path, script: str) -> None:
        """Makes a command that stands in for a real one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}", encoding="utf-8")
        path.chmod(0o755)

    def run(self, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the step as `shell: bash` does, with a value for each variable that it declares."""
        names = set(STEPS[step]["env"])
        assert names <= environment.keys(), names
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", STEPS[step]["run"]]
        given = self.environment | environment
        return subprocess.run(
            command, cwd=self.work, env=given, capture_output=True, text=True, check=False, timeout=60
        )

    def outputs(self) -> dict[str, str]:
        """The outputs that the step set for later steps."""
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


def filled_in(value: Any) -> list[str]:
    """All expressions in a part of a workflow or an action that GitHub replaces by their values."""
    return re.findall(r"\$\{\{(.*?)\}\}", yaml.safe_dump(value, width=10_000))
