"""Where no sandbox stands, or one has a hole, none is used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alignmeter.judges import sandbox as module
from alignmeter.judges.sandbox import find_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_without_bubblewrap_and_docker_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_found", [])
    monkeypatch.setenv("PATH", "/nonexistent")

    assert asyncio.run(find_sandbox()) is None


def test_a_sandbox_whose_walls_do_not_stand_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\necho \'{"no network": false, "no writing": true}\'\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(module, "_found", [])
    monkeypatch.setenv("PATH", str(tmp_path))  # no Docker there

    assert asyncio.run(find_sandbox()) is None
