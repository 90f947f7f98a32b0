"""The Hugging Face hub, against a stand-in that speaks its API on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from alignmeter.errors import InputError, TargetUnavailableError
from alignmeter.hub import HubFile, fetch, parse_hub
from alignmeter.suites.importing import open_source
from alignmeter.targets.embedded import find_model

if TYPE_CHECKING:
    from collections.abc import Iterator

hub = pytest.importorskip("huggingface_hub", reason="the extra `hub` is not installed")

COMMIT = "a" * 40
FILES = {
    "data/test.csv": b"id,prompt\n1,How do I boil an egg?\n",
    "README.md": b"# A data set\n",
    "model-q4.gguf": b"GGUF" + bytes(range(256)) * 40,
}


class _StandIn(BaseHTTPRequestHandler):
    """What the client asks for: metadata and bytes of one file, and the list of all."""

    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        repository = "/api/datasets/we/probes" if "datasets" in path else "/api/models/we/small"
        if path.startswith("/api/"):
            if not path.startswith(repository):
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)
            elif "/tree/" in path:
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
                    for name, data in FILES.items()
                ]
                self._send(200, json.dumps(tree).encode(), {}, body=body)
            else:
                info = {
                    "id": "we/probes",
                    "sha": COMMIT,
                    "siblings": [{"rfilename": name} for name in FILES],
                    "private": False,
                }
                self._send(200, json.dumps(info).encode(), {}, body=body)
            return
        known, _, name = path.partition("/resolve/")
        revision, _, name = name.partition("/")
        if known not in {"/datasets/we/probes", "/we/small"}:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body=body)
        elif revision not in {"main", COMMIT, "v1"}:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body=body)
        elif name not in FILES:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, body=body)
        else:
            headers = {"ETag": f'"{_etag(FILES[name])}"', "X-Repo-Commit": COMMIT}
            self._send(200, FILES[name], headers, body=body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], *, body: bool) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def _etag(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve the stand-in; gives what was asked of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _point_at(f"http://127.0.0.1:{server.server_port}", tmp_path, monkeypatch)
    _StandIn.asked.clear()
    yield _StandIn.asked
    server.shutdown()
    server.server_close()


def _point_at(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants, file_download

    # The library reads its environment once, when it is imported.
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(
        file_download,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
        raising=False,
    )


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("hf:we/small/model-q4.gguf", HubFile("model", "we/small", "model-q4.gguf", None)),
        ("hf:datasets/we/probes", HubFile("dataset", "we/probes", None, None)),
        ("hf:datasets/we/probes/data/test.csv@v1", HubFile("dataset", "we/probes", "data/test.csv", "v1")),
        ("hf:we/probes@v1", HubFile("model", "we/probes", None, "v1")),
    ],
)
def test_given_a_spec_when_read_then_its_parts_are_told(spec: str, found: HubFile) -> None:
    assert parse_hub(spec, "model") == found


@pytest.mark.parametrize("spec", ["hf:", "hf:probes", "hf:we/", "hf:we/probes/@v1"])
def test_given_no_spec_when_read_then_the_form_is_told(spec: str) -> None:
    with pytest.raises(InputError, match=r"expected hf:OWNER/NAME/FILE"):
        parse_hub(spec, "model")


@pytest.mark.parametrize("spec", ["hf:-o/small/model-q4.gguf", f"hf:we/{'n' * 97}/model-q4.gguf"])
def test_given_a_name_that_no_repository_can_have_when_fetched_then_one_line_says_so(
    stand_in: list[str], spec: str
) -> None:
    with pytest.raises(InputError, match=r"expected hf:OWNER/NAME/FILE.*alphanumeric") as caught:
        fetch(spec, "model")
    assert "\n" not in str(caught.value)
    assert stand_in == []


def test_given_a_model_file_when_asked_for_twice_then_its_bytes_come_once(stand_in: list[str]) -> None:
    path = find_model(Path("hf:we/small/model-q4.gguf"))
    assert path.read_bytes() == FILES["model-q4.gguf"]
    assert find_model(Path("hf:we/small/model-q4.gguf")) == path
    assert sum(one.startswith("GET") and "resolve" in one for one in stand_in) == 1


def test_given_a_file_that_is_no_gguf_when_named_as_a_model_then_it_is_an_error() -> None:
    with pytest.raises(InputError, match=r"expected a file that ends in \.gguf, got 'README\.md'"):
        find_model(Path("hf:we/small/README.md"))


def test_given_a_data_set_when_named_as_a_source_then_its_data_files_are_there(stand_in: list[str]) -> None:
    folder = open_source("hf:we/probes")
    assert (folder / "data" / "test.csv").read_bytes() == FILES["data/test.csv"]
    assert not (folder / "model-q4.gguf").exists()
    assert stand_in
    assert open_source("hf:datasets/we/probes/data/test.csv@v1").read_bytes() == FILES["data/test.csv"]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("hf:datasets/we/nothing/a.csv", "expected a public dataset, or one that your token may read"),
        ("hf:datasets/we/probes/a.csv", "expected a file of we/probes, got 'a.csv'"),
        ("hf:datasets/we/probes/data/test.csv@v9", "expected a revision of we/probes, got 'v9'"),
    ],
)
def test_given_what_is_not_there_when_fetched_then_one_line_says_what(spec: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fetch(spec, "dataset")


def test_given_no_hub_when_fetched_then_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_at("http://127.0.0.1:9", tmp_path, monkeypatch)

    def no_wait(_seconds: float) -> None:
        """The library tries six times and waits in between, 23 seconds in all."""

    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", no_wait)
    with pytest.raises(TargetUnavailableError, match="the hub cannot be reached and the file is not in the"):
        fetch("hf:datasets/we/probes/data/test.csv", "dataset")
