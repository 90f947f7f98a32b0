"""How an extra is installed: true wherever Alignmeter came from, in messages and in its texts."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import get_args

import pytest

from alignmeter import extras
from alignmeter.extras import Extra, install

ROOT = Path(__file__).parents[1]
STATED: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
TEXTS = {".py", ".md", ".yml", ".yaml", ".toml", ".j2", ".html"}
FROM_AN_INDEX = re.compile(r"""install (?:.* )?["'`]?alignmeter(?!(?:\[[a-z,]*\])? @ )(?:\[|["'`\s]|$)""")
"""`pip install alignmeter`, with options or extras; not a path, and not `alignmeter @ git+https://...`."""


def test_each_extra_of_the_project_has_a_command() -> None:
    assert set(get_args(Extra)) == set(STATED)


@pytest.mark.parametrize("extra", get_args(Extra))
def test_an_extra_is_installed_by_its_packages_and_not_by_the_name_of_the_project(extra: Extra) -> None:
    command = install(extra)
    names = [re.split(r"[<>=;\s]", package)[0] for package in STATED[extra]]

    assert command.startswith("pip install '")
    assert sorted(re.findall(r"'([a-z0-9-]+)[<>=]", command)) == sorted(names)
    assert "alignmeter" not in command


def test_without_an_installed_project_an_extra_is_installed_from_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", requires)

    assert extras.install.__wrapped__("embed").startswith("pip install '.[embed]'")


def test_no_text_of_the_project_installs_it_from_an_index() -> None:
    files = [ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml"]
    for folder in ("src", "docs", "examples", "tools", "bench"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if FROM_AN_INDEX.search(line)
    ]

    assert len(files) > 300
    assert found == []
