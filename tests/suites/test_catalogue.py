"""The catalogue: names, loading, digest, counts, and that it works from an archive."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import alignmeter
from alignmeter.errors import InputError, LeftOutWarning
from alignmeter.suites import (
    ProbeCount,
    catalogue,
    check_folder,
    counts,
    load_catalogue,
    load_suite,
    suite_digest,
    suite_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_built_in_suites_are_named_in_order() -> None:
    names = suite_names()
    assert names == tuple(sorted(names))
    assert {"implicit_harm", "triad"} <= set(names)


def test_an_unknown_suite_names_those_there_are() -> None:
    expected = r"implicit_harm, .*triad, got 'triade'; choose"
    with pytest.raises(InputError, match=expected):
        load_suite("triade")
    with pytest.raises(InputError, match=expected):
        load_catalogue(["triad", "triade"])
    with pytest.raises(InputError, match=expected):
        suite_digest("triade")


def test_an_unknown_language_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"suite 'triad': expected a language from ar, .*, got 'xx'"):
        load_suite("triad", "xx")


def test_the_catalogue_is_the_named_suites_in_the_named_order() -> None:
    triad, implicit_harm = load_catalogue(["triad"]), load_catalogue(["implicit_harm"])
    assert set(load_suite("triad")) < set(triad)
    assert load_catalogue(["triad", "implicit_harm", "triad"]) == triad + implicit_harm
    every = {probe.id for probe in load_catalogue()}
    assert every >= {probe.id for probe in (*triad, *implicit_harm)}
    assert load_catalogue([]) == ()


def test_ids_are_unique_across_the_catalogue() -> None:
    ids = [probe.id for probe in load_catalogue()]
    assert len(set(ids)) == len(ids)


def test_counts_separate_probes_from_families() -> None:
    found = counts(load_suite("implicit_harm"))
    assert [cell.domain for cell in found] == sorted(cell.domain for cell in found)
    (financial,) = (cell for cell in found if cell.domain == "financial")
    assert financial == ProbeCount(
        suite="implicit_harm", intent="benign", domain="financial", language="en", probes=164, families=82
    )


def test_given_a_folder_of_ones_own_when_loaded_then_its_suites_stand_beside_the_built_in_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, benign: dict[str, object], encode: Callable[..., bytes]
) -> None:
    monkeypatch.setenv("ALIGNMETER_SUITES", str(tmp_path))
    (tmp_path / "demo.en.jsonl").write_bytes(encode(benign))
    assert "demo" in suite_names()
    assert [probe.id for probe in load_suite("demo")] == [benign["id"]]
    (tmp_path / "triad.en.jsonl").write_bytes(encode(benign))
    clash = "of another name than the built-in ones, got 'triad' in 'en'"
    for needed in (lambda: load_suite("triad"), lambda: load_catalogue(["triad"]), check_folder):
        with pytest.raises(InputError, match=clash):
            needed()
    with pytest.warns(LeftOutWarning, match=clash):
        assert [probe.id for probe in load_suite("demo")] == [benign["id"]]


@pytest.fixture
def suite_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the catalogue takes for its own."""

    def data() -> Path:
        return tmp_path

    monkeypatch.setattr(catalogue, "_data", data)
    return tmp_path


def test_the_digest_changes_with_any_byte_of_any_language(
    suite_folder: Path, benign: dict[str, object], encode: Callable[..., bytes]
) -> None:
    (suite_folder / "demo.en.jsonl").write_bytes(encode(benign))
    (suite_folder / "other.en.jsonl").write_bytes(b"one\n")
    before = suite_digest("demo")
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    (suite_folder / "other.en.jsonl").write_bytes(b"two\n")
    assert suite_digest("demo") == before
    (suite_folder / "demo.de.jsonl").write_bytes(b"drei\n")
    two_languages = suite_digest("demo")
    (suite_folder / "demo.en.jsonl").write_bytes(encode(benign | {"version": 2}))
    assert len({before, two_languages, suite_digest("demo")}) == 3


def test_a_broken_file_is_an_input_error_with_file_and_line(
    suite_folder: Path, benign: dict[str, object], encode: Callable[..., bytes]
) -> None:
    (suite_folder / "demo.en.jsonl").write_bytes(encode(benign, benign | {"prompt": ""}))
    with pytest.raises(InputError, match=r"^demo\.en\.jsonl:2: expected") as caught:
        load_catalogue()
    assert caught.value.exit_code == 2


def test_a_file_whose_name_lacks_a_language_is_rejected(suite_folder: Path) -> None:
    (suite_folder / "demo.jsonl").write_bytes(b"")
    nameless = r"expected a file named SUITE\.LANGUAGE\.jsonl, got 'demo\.jsonl'"
    for needed in (lambda: load_suite("demo"), check_folder):
        with pytest.raises(InputError, match=nameless):
            needed()
    with pytest.warns(LeftOutWarning, match=nameless):
        assert suite_names() == ("capability", "facts")


def test_suites_load_from_an_archive(tmp_path: Path) -> None:
    package = Path(alignmeter.__file__).parent
    archive = tmp_path / "alignmeter.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(package.rglob("*")):
            if path.suffix in {".py", ".pyi", ".jsonl", ".json", ".yaml"}:
                target.write(path, path.relative_to(package.parent))
    script = (
        "import alignmeter.suites as s; probes = s.load_catalogue(); "
        "asked = next(probe for probe in probes if probe.axis == 'factuality'); "
        "print(s.__file__, len(probes), len(s.render_request(asked)) > len(asked.prompt))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=True,
    )
    location, count, rendered = done.stdout.split()
    assert location.startswith(str(archive))
    assert (int(count), rendered) == (len(load_catalogue()), "True")
