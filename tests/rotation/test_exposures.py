"""What a journal tells of who was shown what: each provider what was asked there."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from alignmeter.records import Judgement, RefusalResult
from alignmeter.rotation import ShownTo, shown_to
from alignmeter.store import Answered, Asked, Judged, Opened, Planned, RunFolder

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


# --- judges -----------------------------------------------------------------------------------------


def _judge(model: str, host: str) -> ShownTo:
    return ShownTo(role="judge", target=model, provider=host, local=False)


def _judged(path: Path, *asked: Asked | Judged) -> RunFolder:
    """A run of two held-out trials, whose target has answered, with these lines of judges."""
    folder = _moved(path, "https://t.example/v1", "https://t.example/v1")
    journal = folder.journal()
    for trial in folder.read().trials:
        journal.append(Answered(transcript=msgspec.structs.replace(_TRANSCRIPT, trial=trial.id)))
    for event in asked:
        journal.append(event)
    journal.close()
    return folder


def _families(folder: RunFolder, *models: ShownTo) -> dict[tuple[str, str], set[str]]:
    found = shown_to(folder, models, key="r", cycles=())
    return {
        (model.target, model.provider): {
            one.family for one in found if (one.target, one.provider) == (model.target, model.provider)
        }
        for model in models
    }


_TRIALS = [trial.id for trial in RunFolder.open(KEPT).read().trials[:2]]
_TRANSCRIPT = next(iter(RunFolder.open(KEPT).read().transcripts.values()))


def _line(number: int, model: str = "", url: str = "") -> Asked:
    return Asked(trial=_TRIALS[number], at=number, role="judge", model=model, url=url)


def _verdict(number: int) -> Judged:
    made = Judgement(
        trial=_TRIALS[number],
        transcript="t",
        judge="j",
        judge_hash="h",
        axis="refusal",
        result=RefusalResult(label="none"),
        calls=1,
    )
    return Judged(judgement=made)


def test_a_judge_that_moved_was_shown_at_each_host_what_it_was_asked_there(tmp_path: Path) -> None:
    here, there = "https://a.example/v1", "https://b.example/v1"
    lines = (_line(0, "m", here), _verdict(0), _line(1, "m", there), _verdict(1))
    folder = _judged(tmp_path / "run", *lines)

    found = _families(folder, _judge("m", "a.example"), _judge("m", "b.example"))

    assert found == {("m", "a.example"): {"f0"}, ("m", "b.example"): {"f1"}}


def test_of_two_judges_each_was_shown_what_it_was_asked(tmp_path: Path) -> None:
    folder = _judged(tmp_path / "run", _line(0, "m", "https://a.example/v1"), _verdict(0), _line(1, "local"))

    found = _families(folder, _judge("m", "a.example"), _judge("local", "embedded"))

    assert found == {("m", "a.example"): {"f0"}, ("local", "embedded"): {"f1"}}


@pytest.mark.parametrize("line", [_line(0), _verdict(0)], ids=["about to be asked", "judged"])
def test_what_an_earlier_version_noted_of_judges_was_shown_to_all_of_them(
    tmp_path: Path, line: Asked | Judged
) -> None:
    folder = _judged(tmp_path / "run", line, _line(1, "m", "https://a.example/v1"), _verdict(1))

    found = _families(folder, _judge("m", "a.example"), _judge("n", "b.example"))

    assert found == {("m", "a.example"): {"f0", "f1"}, ("n", "b.example"): {"f0"}}
