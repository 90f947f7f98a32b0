"""Scores on disk: no text is paid for twice, nothing torn is read, and no other file is harmed."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignmeter.errors import InputError, StorageError
from alignmeter.records import TextScore, Usage
from alignmeter.store import TextScores, read_text_scores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _score(text: str, score: float | None = 0.5, problem: str = "") -> TextScore:
    return TextScore(
        text=text, scorer="s", name="guard", reads="request", higher="worse", score=score, problem=problem
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one score, of the text `a`."""
    path = tmp_path / "new" / "scores.jsonl"
    with TextScores(path) as scores:
        scores.append(_score("a"))
    return path


def test_given_scores_of_two_audits_when_read_then_the_last_of_each_text_counts(path: Path) -> None:
    with TextScores(path) as scores:
        scores.append(_score("b", None, "down"))
        assert scores.get("s", "a") == _score("a")
        assert scores.get("s", "b") is None
        scores.append(_score("b", 0.75))
        assert scores.get("s", "b") == _score("b", 0.75)
    assert read_text_scores(path) == (_score("a"), _score("b", 0.75))
    assert path.stat().st_mode & 0o077 == 0


def test_given_a_call_in_flight_when_its_process_is_gone_then_the_text_has_no_score_and_a_cost(
    path: Path,
) -> None:
    about_to = msgspec.structs.replace(
        _score("b", None), calls=1, tokens=Usage(prompt_tokens=9), charged=True
    )
    again = msgspec.structs.replace(_score("a", None), calls=2, charged=True)
    with TextScores(path) as scores:
        scores.append(about_to)
        scores.append(again)
        assert scores.get("s", "b") is None
    with TextScores(path) as scores:
        assert scores.get("s", "b") is None
        assert scores.get("s", "a") == _score("a"), "a score that is there stays"
        assert scores.cost("s") == {"a": again, "b": about_to}
        assert scores.cost("another") == {}
    assert read_text_scores(path) == (_score("a"),), "who reads the file learns that `b` is lacking"


def test_given_an_audit_that_wrote_nothing_when_it_ends_then_it_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    with TextScores(path):
        assert path.exists()
    assert not path.exists()
    path.touch()
    TextScores(path).close()
    assert path.exists(), "it was there before"


def test_given_an_audit_that_writes_when_another_wants_the_file_then_it_is_refused_and_nothing_is_cut(
    path: Path,
) -> None:
    whole = path.read_bytes()
    half = msgspec.json.encode(_score("b"))[:20]
    with TextScores(path):
        with path.open("ab") as file:  # the one that holds it is in the middle of a line
            file.write(half)
        with pytest.raises(InputError, match=r"another alignmeter process is writing scores.*`scores=`"):
            TextScores(path)
        assert path.read_bytes() == whole + half
    TextScores(path).close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ended=st.booleans(), data=st.data())
def test_given_a_score_torn_at_any_byte_when_opened_again_then_only_that_one_is_lost(
    path: Path, ended: bool, data: st.DataObject
) -> None:
    line = msgspec.json.encode(_score("b"))
    whole = msgspec.json.encode(_score("a")) + b"\n"
    for kept in (whole, b""):
        torn = line[: data.draw(st.integers(1, len(line) - 1))] + b"\n" * ended
        path.write_bytes(kept + torn)
        assert len(read_text_scores(path)) == (kept != b"")
        with TextScores(path) as scores:
            assert (scores.get("s", "a") is None) == (kept == b"")
            scores.append(_score("c"))
        assert path.read_bytes() == kept + msgspec.json.encode(_score("c")) + b"\n"


@pytest.mark.parametrize("line", [b"nonsense", b"", b"\x00\x00", b'{"text":"b"}'])
def test_given_a_line_that_is_no_score_when_opened_then_the_error_names_it(path: Path, line: bytes) -> None:
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    for read in (TextScores, read_text_scores):
        with pytest.raises(InputError, match=r"scores\.jsonl:2: expected a score"):
            read(path)


@pytest.mark.parametrize("text", [b"my notes", b"my notes\n", b"my notes\nand more", b'{"prompt":"a"}'])
def test_given_a_file_of_something_else_when_named_for_scores_then_it_is_refused_and_left_as_it_was(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"prompts\.txt:1: expected a score"):
        TextScores(path)
    with pytest.raises(InputError, match=r"prompts\.txt:1: expected a score"):
        read_text_scores(path)
    assert path.read_bytes() == text


def _full_after(budget: int) -> Callable[[int, bytes], int]:
    left = budget
    write = os.write

    def failing(fd: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(fd, bytes(data[: min(left, 7)]))
        left -= done
        return done

    return failing


@pytest.mark.parametrize("budget", [0, 1, 20, 60])
def test_given_a_disk_that_fills_in_the_middle_of_a_score_then_the_file_is_as_before(
    path: Path, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    before = path.read_bytes()
    with TextScores(path) as scores:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", _full_after(budget))
            with pytest.raises(StorageError, match=r"No space left on device.*`scores=`"):
                scores.append(_score("b"))
        assert path.read_bytes() == before
        assert scores.get("s", "b") is None
        scores.append(_score("b"))  # someone made room
    assert read_text_scores(path) == (_score("a"), _score("b"))


def test_given_no_file_when_read_then_the_error_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No such file.*audit-scorer"):
        read_text_scores(tmp_path / "scores.jsonl")
    with pytest.raises(InputError, match=r"directory.*audit-scorer"):
        read_text_scores(tmp_path)


def test_given_a_place_where_no_file_can_be_when_opened_then_it_is_a_storage_error(path: Path) -> None:
    for place in (path.parent, path / "below.jsonl"):
        with pytest.raises(StorageError, match="name another file with `scores=`"):
            TextScores(place)
