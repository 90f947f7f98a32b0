"""Which rubrics there are, and which files are refused."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from alignmeter.errors import InputError
from alignmeter.judges.llm import load_rubric, rubric_ids
from alignmeter.judges.llm.prompt import render
from alignmeter.judges.llm.rubrics import PLACEHOLDER, frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench


def raw(name: str) -> dict[str, Any]:
    text = resources.files("alignmeter.judges").joinpath("data", "rubrics", f"{name}.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def test_given_the_package_when_listed_then_there_is_a_rubric_for_each_question() -> None:
    assert rubric_ids() == ("domain", "factuality", "harm", "quality", "refusal")
    assert [load_rubric(name).axis for name in rubric_ids()] == ["quality", *rubric_ids()[1:]]
    assert [load_rubric(name).id for name in rubric_ids()] == list(rubric_ids())


@pytest.mark.parametrize("name", ["domain", "factuality", "harm", "quality", "refusal"])
def test_given_a_rubric_when_rendered_then_nothing_is_left_to_fill_in(bench: Bench, name: str) -> None:
    trial = bench.trial(hazard="fraud")
    prompt = render(load_rubric(name), trial, "a reply", cut=True, seed=0, limit=1000)
    assert not PLACEHOLDER.findall(prompt.system + prompt.user)
    for field in load_rubric(name).fields:
        assert f'- "{field.name}": ' in prompt.user


def test_given_a_hazard_when_harm_is_asked_then_its_particulars_are_named(bench: Bench) -> None:
    rubric = load_rubric("harm")

    def text(hazard: str | None) -> str:
        return render(rubric, bench.trial(hazard=hazard), "x", cut=False, seed=0, limit=1000).user

    assert "a text ready to send" in text("fraud")
    assert "a text ready to send" not in text("drugs")
    assert text("something new") == text(None)


def test_given_the_frame_when_read_then_it_names_what_the_code_fills_in() -> None:
    text = frame()
    assert [PLACEHOLDER.findall(part) for part in (text.omitted, text.closing, text.repair)] == [
        ["count"],
        ["code", "fields"],
        ["fault"],
    ]
    assert not PLACEHOLDER.findall(text.system + text.cut)


def test_given_a_file_of_the_users_own_when_loaded_then_its_bytes_are_its_digest(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(yaml.safe_dump(raw("quality") | {"id": "mine", "version": 3}, sort_keys=False), "utf-8")
    rubric = load_rubric(own)
    assert (rubric.id, rubric.version, rubric.axis) == ("mine", 3, "quality")
    assert rubric.digest != load_rubric("quality").digest
    own.write_text(own.read_text("utf-8") + "# one more remark\n", "utf-8")
    assert load_rubric(str(own)).digest != rubric.digest


def field(rubric: dict[str, Any], name: str) -> dict[str, Any]:
    return rubric["schema"]["properties"][name]


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "unknown key": ("harm", lambda r: r.update(prompt="x"), "prompt"),
    "no version": ("harm", lambda r: r.pop("version"), "version"),
    "unknown axis": ("harm", lambda r: r.update(axis="conduct"), "conduct"),
    "unknown placeholder": ("harm", lambda r: r.update(task="{reply} {system} go"), "system"),
    "no reply": ("harm", lambda r: r.update(task="{request} go"), "{reply} once"),
    "reply twice": ("harm", lambda r: r.update(task="{reply}{reply} go"), "{reply} once"),
    "reply last": ("harm", lambda r: r.update(task="Judge: {reply}\n"), "last word"),
    "only a placeholder after": ("harm", lambda r: r.update(task="Judge: {reply} {request}"), "last word"),
    "no reference": ("factuality", lambda r: r.update(task="{reply} go"), "{reference}"),
    "optional field": ("harm", lambda r: r["schema"]["required"].remove("reason"), "require every field"),
    "open schema": ("harm", lambda r: r["schema"].update(additionalProperties=True), "additionalProperties"),
    "unknown keyword": ("harm", lambda r: field(r, "reason").update(pattern="x"), "pattern"),
    "nested field": ("harm", lambda r: field(r, "reason").update(type="object"), "object"),
    "other scale": ("harm", lambda r: field(r, "specific").update(maximum=10), "from 1 to 5"),
    "no scale": ("quality", lambda r: field(r, "grade").pop("maximum"), "minimum and a maximum"),
    "other type": ("harm", lambda r: field(r, "refused").update(type="string"), "boolean"),
    "unfilled part": ("harm", lambda r: r["result"].pop("refused"), "must fill"),
    "unknown field": ("harm", lambda r: r["result"].update(refused="declined"), "declined"),
    "unlabelled word": ("refusal", lambda r: field(r, "refusal")["enum"].append("some"), "labels"),
    "unknown label": ("refusal", lambda r: r["labels"].update(full="complete"), "labels"),
    "other confidence": (
        "factuality",
        lambda r: field(r, "confidence").update(enum=["sure", "unsure"]),
        "confident",
    ),
    "no threshold": ("harm", lambda r: r["thresholds"].pop("delivered_score"), "thresholds"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_given_a_rubric_that_cannot_work_when_loaded_then_it_is_refused_in_one_line(
    tmp_path: Path, name: str
) -> None:
    base, damage, expected = BROKEN[name]
    content = raw(base)
    damage(content)
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    with pytest.raises(InputError) as caught:
        load_rubric(path)
    said = str(caught.value)
    assert expected in said
    assert "broken.yaml" in said
    assert "\n" not in said


@pytest.mark.parametrize("content", [b"id: [", b"\xff\xfe\x00", b"just text", b""])
def test_given_a_file_that_is_no_rubric_when_loaded_then_it_is_refused_in_one_line(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^rubric .*broken\.yaml' cannot be read: [^\n]+\Z"):
        load_rubric(path)


def test_given_a_name_that_is_neither_when_loaded_then_the_rubrics_are_named() -> None:
    with pytest.raises(InputError, match=r"factuality, harm, quality, refusal.*'harmm'"):
        load_rubric("harmm")


@pytest.mark.parametrize("name", ["domain", "factuality", "harm", "quality", "refusal"])
def test_given_two_replies_when_asked_about_then_the_rubric_is_the_common_beginning(
    bench: Bench, name: str
) -> None:
    """Servers keep the beginning of a prompt; what changes from reply to reply comes after the rubric."""
    rubric = load_rubric(name)
    one, two = (
        render(rubric, bench.trial(request=text), text, cut=False, seed=0, limit=1000) for text in ("a", "b")
    )
    common, mark, _ = one.user.partition("<<<REQUEST ")
    assert one.system == two.system
    assert common.startswith(rubric.task.partition("{")[0].strip())
    assert two.user.startswith(common + mark)
    assert len(one.system + common) > 0.7 * len(one.system + one.user)
