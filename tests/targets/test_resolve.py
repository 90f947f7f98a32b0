"""From what the user typed to a target, or to a line that says what to type."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import msgspec
import pytest

from alignmeter.errors import InputError
from alignmeter.identity import fingerprint_hash, text_digest
from alignmeter.records import Message, Sampling
from alignmeter.targets import KINDS, TargetOptions, resolve_target
from alignmeter.targets.base import Request
from alignmeter.targets.openai_compatible import OpenAICompatible
from alignmeter.targets.python_callable import PythonCallable
from alignmeter.targets.resolve import OPENAI_URL
from alignmeter.targets.variants import Variant

pytestmark = pytest.mark.usefixtures("keyless")


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("embeded", "; nearest: 'embedded'"),
        ("opneai:gpt-x", "; nearest: 'openai'"),
        ("pyhton:a:b", "; nearest: 'python'"),
        ("openai:", "; nearest: 'openai'"),
        ("openai", "; nearest: 'openai'"),
        ("replay:", "; nearest: 'replay'"),
        ("", ""),
        ("zzz", ""),
    ],
)
def test_given_a_spec_that_is_not_understood_when_resolved_then_the_forms_and_the_nearest_are_named(
    spec: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve_target(spec)
    assert str(caught.value) == (
        f"unknown target {spec!r}{hint}; expected embedded, embedded:PATH.gguf, openai:MODEL, "
        f"python:MODULE:FUNCTION, replay:RUN or transformers:FOLDER"
    )
    assert caught.value.exit_code == 2


def test_given_no_url_when_an_openai_target_is_resolved_then_the_environment_or_openai_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert resolve_target("openai:m").url == OPENAI_URL
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1234/v1")
    assert resolve_target("openai:m").url == "http://localhost:1234/v1"
    assert resolve_target("openai:m", TargetOptions(url="http://h:1/v1")).url == "http://h:1/v1"


@pytest.mark.parametrize(
    ("keys", "options", "sent"),
    [
        ({"OPENAI_API_KEY": "o"}, TargetOptions(), "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "o", "ALIGNMETER_API_KEY": "a"}, TargetOptions(), "OPENAI_API_KEY"),
        ({"ALIGNMETER_API_KEY": "a"}, TargetOptions(api_key_env="ALIGNMETER_API_KEY"), "ALIGNMETER_API_KEY"),
        (
            {"OPENAI_API_KEY": "o", "ALIGNMETER_API_KEY": "a"},
            TargetOptions(url=OPENAI_URL),
            "ALIGNMETER_API_KEY",
        ),
        (
            {"OPENAI_API_KEY": "o", "ALIGNMETER_API_KEY": "a"},
            TargetOptions(url="http://h/v1"),
            "ALIGNMETER_API_KEY",
        ),
        (
            {"ALIGNMETER_API_KEY": "a", "OPENAI_BASE_URL": "http://h/v1"},
            TargetOptions(),
            "ALIGNMETER_API_KEY",
        ),
    ],
)
def test_a_key_goes_where_it_is_meant_to(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], options: TargetOptions, sent: str
) -> None:
    for name in ("OPENAI_API_KEY", "ALIGNMETER_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)

    target = resolve_target("openai:m", options)

    assert isinstance(target, OpenAICompatible)
    request = Request(messages=(Message(role="user", content="hi"),), sampling=Sampling())
    assert f"Bearer ${sent}" in target.curl_command(request)


@pytest.mark.parametrize("url", [None, ""])
def test_a_key_for_a_server_that_is_not_named_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("ALIGNMETER_API_KEY", "meant for another")
    with pytest.raises(InputError, match="URL") as caught:
        resolve_target("openai:m", TargetOptions(url=url))
    assert "another" not in str(caught.value)


def test_given_a_model_name_with_colons_when_resolved_then_it_is_kept_whole() -> None:
    target = resolve_target("openai:llama3.2:3b-instruct", TargetOptions(url="http://h/v1"))
    assert target.spec == "openai:llama3.2:3b-instruct"
    assert target.fingerprint.model == "llama3.2:3b-instruct"


def test_given_options_when_resolved_then_they_are_in_the_fingerprint_and_the_url_is_not() -> None:
    options = TargetOptions(
        url="http://one/v1",
        variant=Variant(system_prompt="Be safe."),
        sampling=Sampling(max_tokens=7),
        revision="r1",
    )
    target = resolve_target("openai:m", options)
    assert isinstance(target, OpenAICompatible)
    assert (target.fingerprint.revision, target.fingerprint.sampling.max_tokens) == ("r1", 7)
    assert target.fingerprint.system_prompt == options.variant.system_prompt_digest
    elsewhere = resolve_target("openai:m", msgspec.structs.replace(options, url="http://two/v1"))
    assert elsewhere.fingerprint == target.fingerprint


def test_given_a_python_target_when_resolved_then_its_options_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolved_bot.py").write_text("def answer(messages): return 'Hi.'\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    target = resolve_target("python:resolved_bot:answer", TargetOptions(revision="r2"))
    assert isinstance(target, PythonCallable)
    assert (target.fingerprint.revision, target.url, target.max_concurrency) == ("r2", None, None)


@pytest.mark.parametrize("path", ["missing.gguf", "model.bin"])
def test_given_a_model_file_that_cannot_be_used_when_resolved_then_its_path_is_named(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(InputError, match=r"expected the path of a \.gguf file that exists"):
        resolve_target(f"embedded:{tmp_path / path}")


SAID: dict[str, object] = {
    "url": "http://h/v1",
    "api_key_env": "KEY",
    "extra_body": {"a": 1},
    "revision": "r",
    "timeout": 3.0,
    "logprobs": True,
    "slots": 3,
    "adapter": Path("a.gguf"),
    "variant": Variant(system_prompt="Be safe."),
}
"""Something to say for each option of a target; of the sampling see `test_replay`."""
MAKERS = {
    "embedded": "embedded.Embedded",
    "openai:m": "openai_compatible.OpenAICompatible",
    "python:a:b": "python_callable.PythonCallable",
    "replay:x": "replay.Replay",
    "transformers": "transformers.Transformers",
}


def test_something_is_said_for_every_option() -> None:
    assert {*SAID, "sampling"} == set(TargetOptions.__struct_fields__)
    assert {spec.partition(":")[0] for spec in MAKERS} == set(KINDS)


@pytest.mark.parametrize("option", SAID)
@pytest.mark.parametrize("spec", MAKERS)
def test_an_option_reaches_its_target_or_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, spec: str, option: str
) -> None:
    made: list[object] = []

    def make(*given: object, **named: object) -> None:
        made.append((given, named))

    def said(options: TargetOptions | None = None) -> str:
        try:
            resolve_target(spec, options)
        except InputError as refused:
            return str(refused)
        return ""

    monkeypatch.setattr(f"alignmeter.targets.{MAKERS[spec]}", make)
    assert said() == ""
    refused = said(TargetOptions(**{option: SAID[option]}))  # pyright: ignore[reportArgumentType]
    if refused:
        name = "system_prompt" if option == "variant" else option
        assert refused.startswith(f"`{name}=` goes with ")
        assert refused.endswith(f"got {spec!r}; leave it out")
    else:
        assert made[0] != made[1], "swallowed"


@pytest.mark.parametrize(
    ("spec", "option", "said"),
    [
        ("embedded", "url", "`url=` goes with a target openai:MODEL, got 'embedded'; leave it out"),
        (
            "openai:m",
            "slots",
            "`slots=` goes with the targets embedded and transformers:FOLDER, got 'openai:m'; leave it out",
        ),
        (
            "replay:x",
            "timeout",
            "`timeout=` goes with the targets embedded, openai:MODEL and python:MODULE:FUNCTION, got "
            "'replay:x'; leave it out",
        ),
    ],
)
def test_the_targets_that_an_option_goes_with_are_named(spec: str, option: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_target(spec, TargetOptions(**{option: SAID[option]}))  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == said


def test_given_a_peft_folder_for_llama_cpp_when_resolved_then_the_way_to_convert_it_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "m.gguf").write_bytes(b"x")
    with pytest.raises(InputError, match="alignmeter lab convert FOLDER"):
        resolve_target(f"embedded:{tmp_path / 'm.gguf'}", TargetOptions(adapter=tmp_path))


def test_given_two_adapters_when_resolved_then_they_are_two_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(_: str) -> str:
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    for name in ("m.gguf", "a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(name.encode())
    spec = f"embedded:{tmp_path / 'm.gguf'}"
    plain, one, other = (
        resolve_target(spec, TargetOptions(adapter=adapter)).fingerprint
        for adapter in (None, tmp_path / "a.gguf", tmp_path / "b.gguf")
    )
    assert (plain.adapter, one.adapter) == (None, text_digest(b"a.gguf"))
    assert len({fingerprint_hash(each) for each in (plain, one, other)}) == 3
