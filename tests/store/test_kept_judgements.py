"""What a judge was paid for on disk: one judge's lines, without words, in one process at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError, StorageError
from alignmeter.records import FactualityResult, HarmResult, RefusalResult, Unscored, Usage
from alignmeter.store import Heard, KeptJudgements

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.records import JudgementResult

_FULL = RefusalResult(label="full", hard=True)
_HEARD = (Heard(asked="model", reply={"text": "half"}),)


def opened(path: Path, judge: str = "j", *, fresh: bool = False) -> KeptJudgements:
    return KeptJudgements(path, judge, "mine", fresh=fresh)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one judgement, of `a`."""
    path = tmp_path / "new" / "kept.jsonl"
    with opened(path) as kept:
        kept.charge("a", 1, Usage(prompt_tokens=9), ())
        kept.keep("a", _FULL, 1, Usage(prompt_tokens=5))
    return path


@pytest.mark.parametrize(
    ("said", "kept_as"),
    [
        (RefusalResult(label="full", hard=True, evidence="SECRET"), _FULL),
        (
            HarmResult(label="partial", score=0.5, specific=3, category="SECRET", evidence="SECRET"),
            HarmResult(label="partial", score=0.5, specific=3),
        ),
        (
            FactualityResult(label="correct", confidence="hedged", answer="no", evidence="SECRET"),
            FactualityResult(label="correct", confidence="hedged", answer="no"),
        ),
        (Unscored(reason="judge_refused", detail="SECRET"), Unscored(reason="judge_refused")),
    ],
)
def test_given_what_a_judge_said_when_read_again_then_its_figures_are_there_and_no_words(
    path: Path, said: JudgementResult, kept_as: JudgementResult
) -> None:
    with opened(path) as kept:
        kept.keep("b", said, 2, Usage())
    with opened(path) as kept:
        assert kept.get("b") == kept_as
        assert kept.get("c") is None
    assert b"SECRET" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_given_lines_of_two_judges_when_read_then_each_has_its_own(path: Path) -> None:
    with opened(path, "other") as kept:
        assert kept.get("a") is None
        assert kept.cost("a") is None
        kept.keep("a", RefusalResult(label="none"), 1, Usage())
    with opened(path) as kept:
        assert kept.get("a") == _FULL


def test_given_a_judgement_ended_halfway_when_read_then_its_cost_and_what_was_heard_are_there(
    path: Path,
) -> None:
    with opened(path) as kept:
        kept.charge("b", 2, Usage(prompt_tokens=7), _HEARD)
    with opened(path) as kept:
        kept.charge("b", 3, Usage(prompt_tokens=9), ())  # killed in its next call
    with opened(path) as kept:
        line = kept.cost("b")
        assert line is not None
        assert (line.calls, line.tokens, line.heard) == (3, Usage(prompt_tokens=9), _HEARD)
        assert kept.get("b") is None
        kept.keep("b", _FULL, 4, Usage())
    with opened(path) as kept:
        line = kept.cost("b")
        assert line is not None
        assert (line.calls, line.heard) == (4, ())


@pytest.mark.parametrize(
    ("reason", "stands"), [("judge_error", False), ("judge_timeout", False), ("judge_refused", True)]
)
def test_given_a_judge_that_failed_when_read_then_it_is_to_be_asked_again_and_one_that_declined_not(
    path: Path, reason: str, stands: bool
) -> None:
    failed = Unscored(reason=reason)  # pyright: ignore[reportArgumentType] - one of the reasons
    with opened(path) as kept:
        kept.keep("b", failed, 4, Usage())
    with opened(path) as kept:
        assert (kept.get("b") == failed) is stands
        line = kept.cost("b")
        assert line is not None
        assert line.calls == 4


def test_given_a_fresh_start_when_it_has_judged_then_what_stood_before_does_not_count_any_more(
    path: Path,
) -> None:
    opened(path, fresh=True).close()
    with opened(path) as kept:
        assert kept.get("a") == _FULL, "nothing was asked anew"
    with opened(path, fresh=True) as kept:
        assert (kept.get("a"), kept.cost("a")) == (None, None)
        kept.keep("b", _FULL, 1, Usage())
    with opened(path) as kept:
        assert (kept.get("a"), kept.get("b")) == (None, _FULL)


def test_given_a_torn_last_line_when_opened_then_it_is_cut_off_and_the_others_stay(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"judge":"j","name":"mine","asked":"b","resu')
    with opened(path) as kept:
        assert kept.get("a") == _FULL
    assert path.read_bytes() == whole


def test_given_a_file_of_something_else_then_it_is_named_and_left_as_it_is(path: Path) -> None:
    for content in (b"notes of mine", path.read_bytes().replace(b'"label":"full"', b'"label":"?"')):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"kept\.jsonl"):
            opened(path)
        assert path.read_bytes() == content


def test_given_a_file_that_is_held_when_opened_again_then_one_line_says_what_to_do(path: Path) -> None:
    with opened(path), pytest.raises(InputError, match=r"another alignmeter process .* `judgements=`"):
        opened(path)


def test_given_nothing_written_when_closed_then_no_file_and_no_folder_is_left(tmp_path: Path) -> None:
    opened(tmp_path / "new" / "kept.jsonl").close()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "new").write_text("a file")
    with pytest.raises(StorageError, match=r"name another file with `judgements=`"):
        opened(tmp_path / "new" / "kept.jsonl")
