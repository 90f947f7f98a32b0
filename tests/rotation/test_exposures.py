"""What a journal tells of who was shown what: each provider what was asked there."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from alignmeter.rotation import ShownTo, shown_to
from alignmeter.store import Asked, Opened, Planned, RunFolder

KEPT = Path(__file__).parents[1] / "store" / "data" / "v1"


def _at(host: str) -> ShownTo:
    return ShownTo(role="target", target="t", provider=host, local=False)


def _moved(path: Path, *urls: str | None) -> RunFolder:
    """A run that asks one more trial at each of these addresses; None for a version that kept none."""
    trials = [
        msgspec.structs.replace(trial, pool="rotating", family=f"f{number}")
        for number, trial in enumerate(RunFolder.open(KEPT).read().trials[: len(urls)])
    ]
    path.mkdir()
    shutil.copy(KEPT / "run.json", path)
    folder = RunFolder.open(path)
    journal = folder.journal()
    for number, url in enumerate(urls):
        said = {} if url is None else {"target": url}
        journal.append(Opened(at=number, alignmeter_version="1", urls=said))
        if not number:
            journal.append_all([Planned(index=index, trial=trial) for index, trial in enumerate(trials)])
        journal.append(Asked(trial=trials[number].id, at=number))
    journal.close()
    return folder


@pytest.mark.parametrize(
    ("urls", "first", "second"),
    [
        (("https://a.example/v1", "https://b.example/v1"), {"f0"}, {"f1"}),
        (("https://a.example/v1", "https://b.example/v1", "https://a.example/v2"), {"f0", "f2"}, {"f1"}),
        ((None, "https://b.example/v1"), {"f0"}, {"f0", "f1"}),
        ((None, None), {"f0", "f1"}, {"f0", "f1"}),
    ],
)
def test_a_run_that_went_on_at_another_address_shows_each_provider_what_was_asked_there(
    tmp_path: Path, urls: tuple[str | None, ...], first: set[str], second: set[str]
) -> None:
    folder = _moved(tmp_path / "run", *urls)

    found = shown_to(folder, [_at("a.example"), _at("b.example")], key="r", cycles=())

    assert {one.family for one in found if one.provider == "a.example"} == first
    assert {one.family for one in found if one.provider == "b.example"} == second


def test_a_target_without_an_address_was_shown_all_that_was_asked(tmp_path: Path) -> None:
    folder = _moved(tmp_path / "run", None, None)

    found = shown_to(folder, [_at("python:bot:answer")], key="r", cycles=())

    assert {one.family for one in found} == {"f0", "f1"}
