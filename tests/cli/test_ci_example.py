"""The workflow of examples/ci: its steps run as they stand, with GitHub's part played by files."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from alignmeter.api import gate

if TYPE_CHECKING:
    from tests.faults.hostile_server import HostileServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="steps in bash")

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / "examples" / "ci" / "release-gate.yml").read_text())
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["alignmeter"]["steps"]
MODEL = """
name: Ward
suites: [triad]
adversaries: {paired_plain: false}
design: {max_units: 20}
"""
GH = """#!/bin/sh
echo "$@" >> gh.log
case "$1 $2" in
  "run list") cat kept/latest 2>/dev/null || true ;;
  "run download") mkdir -p runs && cp -r "kept/$3/$7" "$9" ;;
esac
"""


def steps(event: str) -> list[dict[str, Any]]:
    """The steps of an event, in order."""
    always = {None, "always()"}
    return [step for step in STEPS if step.get("if") in {*always, f"github.event_name == '{event}'"}]


def scripts(event: str) -> list[str]:
    """What they run, without the installation, which is this one."""
    found = [step["run"] for step in steps(event) if "run" in step]
    assert found[0] == "pip install './alignmeter-source[embed]'"
    return found[1:]


def kept(step: dict[str, Any]) -> bool:
    return step.get("uses") == "actions/upload-artifact@v4" and step["with"]["name"] == "alignmeter-baseline"


class Runner:
    """A machine of the workflow: a folder with the threat model, and the environment of its steps."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "threat_model.yaml").write_text(MODEL)
        (folder / "bin").mkdir()
        (folder / "bin" / "gh").write_text(GH)
        (folder / "bin" / "gh").chmod(0o755)
        known = {name: value for name, value in os.environ.items() if "API_KEY" not in name}
        self.environment = {
            **known,
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "MODEL_URL": url,
            "GITHUB_REPOSITORY": "someone/product",
            "GITHUB_WORKFLOW": WORKFLOW["name"],
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    async def job(self, event: str) -> subprocess.CompletedProcess[str]:
        """Run the steps of an event up to the first that fails, beside the server in this thread."""
        done = None
        for script in scripts(event):
            done = await asyncio.to_thread(self.run, script)
            if done.returncode:
                break
        assert done is not None
        return done


async def test_a_push_keeps_the_baseline_that_the_next_pull_request_is_compared_with(
    tmp_path: Path, hostile_server: HostileServer
) -> None:
    runner = Runner(tmp_path, hostile_server.url)

    pushed = await runner.job("push")
    (keep,) = filter(kept, steps("push"))
    # As the action does: what it is told to keep, without hidden files.
    shutil.copytree(
        tmp_path / keep["with"]["path"],
        tmp_path / "kept" / "17" / keep["with"]["name"],
        ignore=shutil.ignore_patterns(".*"),
    )
    (tmp_path / "kept" / "latest").write_text("17\n")
    shutil.rmtree(tmp_path / "runs")
    decided = await runner.job("pull_request")

    assert pushed.returncode == 0, pushed.stderr
    made = gate(tmp_path / "runs" / "candidate", tmp_path / "runs" / "baseline")
    assert (decided.returncode, decided.stderr) == (made.exit_code, "")
    cases = {case.get("name") for case in ET.parse(tmp_path / "gate.xml").iter("testcase")}  # noqa: S314 - ours
    assert len([name for name in cases if "Change in" in str(name)]) == 3
    assert (tmp_path / "summary.md").read_text() == (tmp_path / "gate.md").read_text()


async def test_a_pull_request_without_a_baseline_fails_before_a_call(
    tmp_path: Path, hostile_server: HostileServer
) -> None:
    done = await Runner(tmp_path, hostile_server.url).job("pull_request")

    assert done.returncode == 1
    assert done.stdout.startswith("::error::there is no baseline yet")
    assert hostile_server.chats == []


def test_what_is_fetched_is_what_was_kept_and_only_on_pushes_to_main() -> None:
    (keep,) = filter(kept, STEPS)
    fetch = next(step["run"] for step in STEPS if step.get("name") == "Fetch the baseline")

    assert f"--name {keep['with']['name']} " in fetch
    assert keep["if"] == "github.event_name == 'push'"
    assert re.search(r"--branch main --event push .*--status success", fetch.replace("\\\n", ""), re.DOTALL)
    assert WORKFLOW[True]["push"]["branches"] == ["main"]  # `on`, as YAML reads it


def test_alignmeter_is_installed_from_a_checkout() -> None:
    source = next(step for step in STEPS if step.get("name") == "Check out Alignmeter")["with"]

    assert source["path"] == "alignmeter-source"
    assert "ALIGNMETER_COMMIT" in source["ref"]
    assert [step["run"] for step in STEPS if "pip " in step.get("run", "")] == [
        f"pip install './{source['path']}[embed]'"
    ]
