"""Labels on disk: nothing that a person answered is lost, nothing torn is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.errors import InputError, RunFolderError, StorageError
from alignmeter.records import HumanLabel
from alignmeter.store import LABELS_FILE, LabelWriter, read_labels

if TYPE_CHECKING:
    from pathlib import Path


def _label(trial: str, at: float = 1.0) -> HumanLabel:
    return HumanLabel(trial=trial, transcript="t", axis="refusal", label="full", annotator="ana", at=at)


def test_given_no_file_when_read_then_there_are_no_labels(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == ()


def test_given_labels_when_written_in_two_sessions_then_all_are_read_in_order(tmp_path: Path) -> None:
    for trial in ("a", "b"):
        with LabelWriter(tmp_path) as writer:
            writer.append([_label(trial)])
    assert [label.trial for label in read_labels(tmp_path)] == ["a", "b"]
    assert (tmp_path / LABELS_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("torn", [b'{"trial":"b","transc', b'{"trial":"b\n'])
def test_given_a_torn_last_line_when_opened_again_then_it_is_cut_and_work_goes_on(
    tmp_path: Path, torn: bytes
) -> None:
    with LabelWriter(tmp_path) as writer:
        writer.append([_label("a")])
    with (tmp_path / LABELS_FILE).open("ab") as file:
        file.write(torn)
    assert [label.trial for label in read_labels(tmp_path)] == ["a"]
    with LabelWriter(tmp_path) as writer:
        assert [label.trial for label in writer.labels] == ["a"]
        writer.append([_label("c")])
    assert [label.trial for label in read_labels(tmp_path)] == ["a", "c"]


@pytest.mark.parametrize("line", [b"nonsense", b'{"trial":"b","axis":"refusal","label":"perhaps"}'])
def test_given_a_corrupt_line_in_the_middle_when_read_then_the_error_names_it(
    tmp_path: Path, line: bytes
) -> None:
    with LabelWriter(tmp_path) as writer:
        writer.append([_label("a")])
    path = tmp_path / LABELS_FILE
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    with pytest.raises(RunFolderError, match=r"labels\.jsonl:2: corrupt label"):
        read_labels(tmp_path)
    before = path.read_bytes()
    with pytest.raises(RunFolderError, match=r"labels\.jsonl:2"):
        LabelWriter(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("field", [{"at": float("nan")}, {"at": float("inf")}, {"note": "caf\udce9"}])
def test_given_a_label_that_could_not_be_read_again_when_written_then_none_is(
    tmp_path: Path, field: dict[str, str | float]
) -> None:
    with LabelWriter(tmp_path) as writer:
        with pytest.raises(InputError, match="the label of trial 'b' cannot be kept"):
            writer.append([_label("a"), msgspec.structs.replace(_label("b"), **field)])
        writer.append([_label("c")])
    assert [label.trial for label in read_labels(tmp_path)] == ["c"]


def test_given_someone_who_labels_when_another_process_wants_to_then_it_is_refused(tmp_path: Path) -> None:
    with LabelWriter(tmp_path), pytest.raises(RunFolderError, match="another process is labelling"):
        LabelWriter(tmp_path)


def test_given_a_folder_that_is_gone_when_labelled_then_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="every label before is kept"):
        LabelWriter(tmp_path / "gone")
