"""What the judge `schema-valid` says of structured replies."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.errors import MissingExtraError
from alignmeter.judges import schema_rules
from alignmeter.judges.schema_valid import (
    MAX_CHARACTERS,
    MAX_PROBLEMS,
    NOTE_FENCED,
    SchemaValid,
    schema_problems,
)
from alignmeter.records import Message, SchemaResult, Transcript, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.records import FinishReason, JudgementResult

pytestmark = pytest.mark.skipif(find_spec("jsonschema") is None, reason="needs the package jsonschema")

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["name", "age"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 5, "pattern": "^[A-Z]"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b", 1]}},
        "born": {"type": "string", "format": "date"},
    },
}
ANN = '{"name": "Ann", "age": 31}'


def judged(
    reply: str | None, constraint: dict[str, Any] | None, finish_reason: FinishReason = "stop"
) -> JudgementResult:
    trial = Trial(
        id="trial",
        probe="probe",
        suite="suite",
        family="family",
        intent="benign",
        domain="general",
        language="en",
        axis="schema",
        messages=(),
        request="Fill in the form.",
        constraint=constraint,
    )
    message = None if reply is None else Message(role="assistant", content=reply)
    transcript = Transcript(trial=trial.id, reply=message, finish_reason=finish_reason)
    return asyncio.run(SchemaValid().judge(trial, transcript))


@pytest.mark.parametrize(
    "reply", [ANN, f"\n  {ANN}\n", '{"name":"Bo","age":1,"tags":["a",1],"born":"2001-02-28"}']
)
def test_given_json_within_the_constraint_when_judged_then_it_is_valid(reply: str) -> None:
    assert judged(reply, PERSON) == SchemaResult(label="valid")


@pytest.mark.parametrize(
    "fence",
    [
        "```json\n{}\n```",
        "```\n{}\n```",
        "~~~JSON\n{}\n~~~\n",
        "````json\n{}\n````",
        "```json\r\n{}\r\n```\r\n",
        "  ```json\n  {}\n  ```",
        "```json\n{}\n  ```",
        "```\r{}\r```",
    ],
)
def test_given_json_in_a_code_fence_when_judged_then_it_is_valid_and_noted(fence: str) -> None:
    assert judged(fence.replace("{}", ANN), PERSON) == SchemaResult(label="valid", problems=(NOTE_FENCED,))


@pytest.mark.parametrize(
    ("reply", "problems"),
    [
        ('{"name": "Ann"}', ['the whole reply: lacks the required field "age"']),
        ("{}", ['the whole reply: lacks the required fields "name", "age"']),
        ('{"name": 3, "age": 1}', ["name: expected string, got a number: 3"]),
        ('{"name": "Ann", "age": "x"}', ['age: expected integer, got a string: "x"']),
        ('{"name": "Ann", "age": null}', ["age: expected integer, got null"]),
        ('{"name": "Ann", "age": -1}', ["age: expected at least 0, got -1"]),
        ('{"name": "Ann", "age": 151}', ["age: expected at most 150, got 151"]),
        ('{"name": "Annabel", "age": 1}', ["name: expected at most 5 characters, got 7"]),
        ('{"name": "ann", "age": 1}', ['name: "ann" does not match the pattern "^[A-Z]"']),
        ('{"name": "Ann", "age": 1, "tags": ["c"]}', ['tags[0]: expected one of "a", "b", 1; got "c"']),
        ('{"name": "Ann", "age": 1, "tags": [1, 1.0]}', ["tags: the items must all differ"]),
        ('{"name": "Ann", "age": 1, "born": "2001-02-30"}', ['born: "2001-02-30" is no valid date']),
        ("[1, 2]", ["the whole reply: expected object, got an array"]),
        ('{"name": "Ann", "age": 1, "age": 2}', ["duplicate key 'age'"]),
        ('{"name": "Ann", "age": NaN}', ["NaN is no JSON number"]),
        ('{"name": "Ann", "age": -Infinity}', ["-Infinity is no JSON number"]),
        ('{"name": "Ann", "age": 1e999}', ["1e999 is no JSON number"]),
        (f"{ANN} I hope this helps.", ["text after the JSON: 'I hope this helps.'"]),
        (f"{ANN}\n{ANN}", [f"text after the JSON: {ANN!r}"]),
        (f"Here you are: {ANN}", ["text before the JSON: 'Here you are:'"]),
        (f"Sure!\n```json\n{ANN}\n```", ["text before the JSON: 'Sure!'", NOTE_FENCED]),
        (f"```json\n{ANN}\n```\nBye.", ["text after the JSON: 'Bye.'", NOTE_FENCED]),
        (f"```json\n{ANN}", ["the code fence is not closed", NOTE_FENCED]),
        ("I cannot.", ["no valid JSON: expecting value at line 1, column 1, got 'I cannot.'"]),
        ('{"name": ', ["no valid JSON: it ends too early at line 1, column 10"]),
        ("{'name': 'Ann'}",
         ["no valid JSON: expecting property name enclosed in double quotes at line 1, column 2, "
          'got "\'name\': \'Ann\'}"']),
        ("```\n```", ["no JSON: there is no text where it should be", NOTE_FENCED]),
    ],
)  # fmt: skip
def test_given_a_reply_outside_the_constraint_when_judged_then_the_problems_are_in_plain_words(
    reply: str, problems: list[str]
) -> None:
    assert judged(reply, PERSON) == SchemaResult(label="invalid", problems=tuple(problems))


def test_given_a_fence_inside_a_json_string_when_judged_then_it_is_no_fence() -> None:
    assert judged(json.dumps("a\n```json\n{}\n```"), {"type": "string"}) == SchemaResult(label="valid")


def test_given_many_problems_when_judged_then_the_first_are_listed() -> None:
    result = judged(json.dumps(list(range(1_000))), {"items": {"type": "string"}})
    assert isinstance(result, SchemaResult)
    assert len(result.problems) == MAX_PROBLEMS + 1
    assert result.problems[-1] == "and more"


@pytest.mark.parametrize(
    ("reply", "constraint", "finish_reason", "reason"),
    [
        (ANN, None, "stop", "not_applicable"),
        ("", PERSON, "stop", "empty_reply"),
        (None, PERSON, "stop", "empty_reply"),
        ('{"name": "Ann", "a', PERSON, "length", "truncated_answer"),
        ('```json\n{"name": "Ann", "a', PERSON, "length", "truncated_answer"),
        (ANN, {"type": "nonsense"}, "stop", "judge_error"),
        (ANN, {"$ref": "https://example.org/person.json"}, "stop", "judge_error"),
        (ANN, {"properties": {"name": {"pattern": "("}}}, "stop", "judge_error"),
    ],
)
def test_given_nothing_to_score_when_judged_then_the_reason_is_told(
    reply: str | None, constraint: dict[str, Any] | None, finish_reason: FinishReason, reason: str
) -> None:
    result = judged(reply, constraint, finish_reason)
    assert isinstance(result, Unscored)
    assert result.reason == reason


def test_given_complete_json_cut_in_the_talk_after_it_when_judged_then_it_is_scored() -> None:
    result = judged(f"{ANN} This form", PERSON, "length")
    assert result == SchemaResult(label="invalid", problems=("text after the JSON: 'This form'",))


def test_given_a_constraint_that_is_no_schema_when_checked_then_it_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="expected a JSON Schema"):
        schema_problems(ANN, {"type": "nonsense"})


@pytest.mark.parametrize(
    ("unit", "problem"),
    [
        ("[", "nested too deeply"),
        ('{"a":', "nested too deeply"),
        ("9", "too many digits"),
        ("\\", "no valid JSON"),
        ("\n[", "nested too deeply"),
        ("```json\n", "text after"),
        ("[]", "text after"),
        ("x ", "no valid JSON"),
    ],
)
def test_given_a_hostile_half_megabyte_when_judged_then_there_is_an_answer(unit: str, problem: str) -> None:
    result = judged(unit * (MAX_CHARACTERS // len(unit)), PERSON)
    assert isinstance(result, SchemaResult)
    assert result.label == "invalid"
    assert problem in result.problems[0]


def test_given_thousands_of_objects_that_must_differ_when_judged_then_there_is_an_answer() -> None:
    items = [{"a": number} for number in range(20_000)]
    assert judged(json.dumps(items), {"uniqueItems": True}) == SchemaResult(label="valid")
    repeated = judged(json.dumps([*items, {"a": 7.0}]), {"uniqueItems": True})
    assert repeated == SchemaResult(label="invalid", problems=("the whole reply: the items must all differ",))


def test_given_a_reply_or_a_number_beyond_all_measure_when_judged_then_it_is_invalid() -> None:
    too_long = schema_problems(" " * (MAX_CHARACTERS + 1), PERSON)
    assert too_long.problems == ("the reply is longer than 500,000 characters, got 500,001",)
    assert schema_problems("9" * 4_000, {"multipleOf": 0.5}).label == "valid"
    assert schema_problems("9" * 4_000, {"multipleOf": 2}).label == "invalid"


def test_given_every_price_when_a_multiple_of_a_cent_is_asked_then_all_are_valid_and_no_half_cent_is() -> (
    None
):
    cents = {"items": {"multipleOf": 0.01}}
    prices = ", ".join(f"{cent // 100}.{cent % 100:02d}" for cent in range(1, 10_000))
    assert schema_problems(f"[{prices}, 3, 1e2, 4.3e-1, 1e300, true]", cents).label == "valid"
    half = schema_problems("[19.995]", cents)
    assert half.problems == ("[0]: expected a multiple of 0.01, got 19.995",)
    draft3 = {"$schema": "http://json-schema.org/draft-03/schema#", "divisibleBy": 0.1}
    assert schema_problems("0.3", draft3).label == "valid"


FORMATS = [
    ("date-time", "2024-02-29T23:59:59Z", True),
    ("date-time", "2024-02-29t10:00:00.123456789+02:00", True),
    ("date-time", "2016-12-31T23:59:60Z", True),
    ("date-time", "2016-12-31T15:59:60-08:00", True),
    ("date-time", "2016-12-31T22:59:60Z", False),
    ("date-time", "2023-02-29T10:00:00Z", False),
    ("date-time", "2024-02-29 10:00:00Z", False),
    ("date-time", "2024-02-29T10:00:00", False),
    ("date-time", "2024-02-29T24:00:00Z", False),
    ("date-time", "2024-02-29T10:00:00+24:00", False),
    ("date-time", "\u0662024-02-29T10:00:00Z", False),
    ("date-time", "garbage", False),
    ("time", "08:30:06Z", True),
    ("time", "08:30:06.28+01:00", True),
    ("time", "08:30", False),
    ("time", "99", False),
]


@pytest.mark.parametrize(("name", "text", "fits"), FORMATS)
def test_given_a_format_of_times_when_checked_then_it_is_that_of_rfc_3339(
    name: str, text: str, fits: bool
) -> None:
    result = schema_problems(json.dumps(text), {"type": "string", "format": name})
    problem = f"the whole reply: {json.dumps(text, ensure_ascii=False)} is no valid {name}"
    assert result.problems == (() if fits else (problem,))


def test_given_formats_that_cannot_be_checked_when_valid_then_a_note_names_them() -> None:
    constraint = {
        "properties": {
            "format": {"type": "string", "format": "uri"},
            "host": {"anyOf": [{"format": "hostname"}, {"format": "date"}]},
            "kind": {"enum": ["a", {"format": "no format"}]},
        }
    }
    result = schema_problems('{"format": "not a uri"}', constraint)
    assert result == SchemaResult(label="valid", problems=("note: not checked: format 'hostname', 'uri'",))
    fenced = schema_problems('```\n{"format": 3}\n```', constraint)
    assert fenced.label == "invalid"
    assert fenced.problems[1:] == (NOTE_FENCED, "note: not checked: format 'hostname', 'uri'")


SLOW = r"^(\w+\s?)*$"


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        ({"properties": {"n": {"pattern": SLOW}}}, {"n": "a" * 60 + "!"}),
        ({"patternProperties": {SLOW: {"type": "string"}}}, {"a" * 60 + "!": 1}),
        ({"patternProperties": {SLOW: True}, "additionalProperties": False}, {"a" * 60 + "!": 1}),
        ({"properties": {"n": {"pattern": "a*a*a*a*a*b$"}}}, {"n": "a" * 100_000}),
    ],
)
def test_given_a_pattern_that_would_take_for_ever_when_judged_then_the_reply_has_no_score(
    constraint: dict[str, Any], value: object
) -> None:
    result = judged(json.dumps(value), constraint)
    assert isinstance(result, Unscored)
    assert result.reason == "judge_error"
    assert "takes longer than 2 s" in result.detail
    with pytest.raises(TimeoutError, match="without a repeat inside a repeat"):
        schema_problems(json.dumps(value), constraint)


def test_given_nested_repeats_that_end_when_judged_then_they_are_checked_on_any_text() -> None:
    slug = {"items": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}}
    words = [f"some-words-with-{number}" for number in range(2_000)]
    assert schema_problems(json.dumps(words), slug).label == "valid"
    assert schema_problems(json.dumps([*words, "some-Words-" + "a" * 5_000]), slug).label == "invalid"
    assert (
        schema_problems(json.dumps(["", "a" * 60 + "!"]), {"items": {"pattern": "[(]*|[)]+"}}).label
        == "valid"
    )
    quick = schema_problems(json.dumps("a!"), {"pattern": SLOW})
    assert quick.problems == ('the whole reply: "a!" does not match the pattern "^(\\\\w+\\\\s?)*$"',)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON_VALUES, st.booleans())
def test_given_any_json_when_checked_against_nothing_then_it_is_valid(value: object, fenced: bool) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert schema_problems(f"```json\n{text}\n```" if fenced else text, {}).label == "valid"


@given(st.text(alphabet='{}[]":,`~\n 1aeNx\\-.', max_size=60))
def test_given_any_text_when_checked_then_there_is_an_answer_as_strict_as_the_standard(text: str) -> None:
    result = schema_problems(text, {})
    if result == SchemaResult(label="valid"):
        json.loads(text)
    assert result.label == "valid" or result.problems


def test_given_the_judge_when_asked_then_it_names_its_axis_and_a_stable_hash() -> None:
    judge = SchemaValid()
    assert (judge.name, judge.axis) == ("schema-valid", "schema")
    assert judge.judge_hash == SchemaValid().judge_hash


def test_given_no_jsonschema_when_judged_then_the_error_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    schema_rules._library.cache_clear()  # pyright: ignore[reportPrivateUsage] - what an import leaves behind
    schema_rules.rules_of.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match="pip install jsonschema"):
            judged(ANN, PERSON)
    finally:
        schema_rules._library.cache_clear()  # pyright: ignore[reportPrivateUsage]
