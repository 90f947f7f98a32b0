"""What servers say when a call fails: dialects, waiting times, refused parameters."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.targets.wire_errors import (
    MAX_RETRY_AFTER,
    ErrorBody,
    is_content_filter,
    is_context_overflow,
    parse_error,
    refused_parameter,
    retry_after,
)

NOW = 1_800_000_000.0
ALL = ("max_tokens", "temperature", "top_p", "seed")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no", "type": "t", "code": None}}, "no"),
        ({"error": "no"}, "no"),
        ({"object": "error", "message": "no", "code": 400}, "no"),
        ({"detail": "no"}, "no"),
        (
            {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
            "body.seed: Extra",
        ),
        ({"error": {"reason": "no"}}, '{"reason":"no"}'),
        ({"ok": False}, '{"ok": false}'),
        ([{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}], "no"),
    ],
)
def test_the_words_of_an_error_are_found_in_every_dialect(body: object, message: str) -> None:
    assert parse_error(json.dumps(body).encode()).message.startswith(message)


def test_a_body_that_is_no_json_is_quoted_as_it_is() -> None:
    assert parse_error(b"Bad gateway \xff").message == "Bad gateway \ufffd"


def test_given_half_an_emoji_in_an_error_when_read_then_its_code_is_not_lost() -> None:
    error = parse_error(rb'{"error": {"message": "blocked: \ud83d", "code": "content_filter"}}')
    assert (error.message, error.codes, error.status) == ("blocked: ?", ("content_filter",), 400)


def test_given_an_error_in_a_list_when_read_then_its_code_is_not_lost() -> None:
    error = parse_error(b'[{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}]')
    assert (error.message, error.codes, error.status) == ("no", ("429",), 429)


@given(st.binary())
def test_no_error_body_is_too_odd_to_read(raw: bytes) -> None:
    assert isinstance(parse_error(raw), ErrorBody)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "m", "code": 502}, 502),
        ({"message": "m", "code": "429"}, 429),
        ({"message": "m", "code": "content_filter", "status": 400}, 400),
        ({"message": "m", "type": "rate_limit_error"}, 429),
        ({"message": "m", "code": "model_not_found"}, 404),
        ({"message": "m", "code": 50001}, None),
        ({"message": "m", "code": "9" * 5000}, None),
        ({"message": "m"}, None),
    ],
)
def test_the_status_of_an_error_in_a_200_answer_is_its_code_or_what_its_code_stands_for(
    error: object, status: int | None
) -> None:
    assert parse_error(json.dumps({"error": error}).encode()).status == status


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "Please reduce the length of the messages or completion.",
    ],
)
def test_a_conversation_that_is_too_long_is_known_in_the_words_of_every_server(message: str) -> None:
    assert is_context_overflow(ErrorBody(message))
    assert not is_content_filter(ErrorBody(message))


@pytest.mark.parametrize(
    "message", ["'temperature' must be at most 2", "unknown field 'top_q'", "context is missing"]
)
def test_other_complaints_are_no_overflow(message: str) -> None:
    assert not is_context_overflow(ErrorBody(message))


@pytest.mark.parametrize(
    "error",
    [
        ErrorBody("m", codes=("content_filter",)),
        ErrorBody("m", codes=("content_policy_violation", "invalid_request_error")),
        ErrorBody("m", codes=("400", "responsibleaipolicyviolation")),
        ErrorBody("litellm.ContentPolicyViolationError: blocked"),
    ],
)
def test_a_blocked_request_is_known_by_its_code(error: ErrorBody) -> None:
    assert is_content_filter(error)


# --- refused parameters --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "parameter"),
    [
        (
            ErrorBody(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                param="max_tokens",
            ),
            "max_tokens",
        ),
        (
            ErrorBody(
                "'temperature' does not support 0 with this model. Only the default (1) value is supported."
            ),
            "temperature",
        ),
        (ErrorBody("body.seed: Extra inputs are not permitted"), "seed"),
        (ErrorBody("Unsupported value", param="top_p"), "top_p"),
        (ErrorBody("it went wrong", codes=("unsupported_parameter",), param="seed"), "seed"),
    ],
)
def test_a_parameter_named_as_unsupported_is_the_refused_one(error: ErrorBody, parameter: str) -> None:
    assert refused_parameter(error, ALL) == parameter


@pytest.mark.parametrize(
    "error",
    [
        ErrorBody("max_tokens is too large: 5000. This model supports at most 4096 completion tokens."),
        ErrorBody("'temperature' must be between 0 and 2"),
        ErrorBody("Unsupported parameter: 'max_completion_tokens'"),
        ErrorBody("Unsupported parameter: 'logprobs'", param="logprobs"),
        ErrorBody("'max_tokens' is not supported here: it exceeds the model's maximum context length"),
    ],
)
def test_a_bad_value_another_parameter_or_an_overflow_is_no_refused_parameter(error: ErrorBody) -> None:
    assert refused_parameter(error, ALL) is None


def test_a_parameter_that_was_not_sent_cannot_be_the_refused_one() -> None:
    assert refused_parameter(ErrorBody("Unsupported parameter: 'seed'"), ("temperature",)) is None


PROMPT = "What temperature does thermite need, and does seed oil burn?"


@pytest.mark.parametrize(
    "error",
    [
        ErrorBody("Request blocked, not allowed: 'What temperature does thermite need'"),
        ErrorBody("not allowed: '...does seed oil burn?'"),
        ErrorBody("This is not allowed: seed, temperature", codes=("policy_violation",)),
        ErrorBody("not permitted: temperature", codes=("400", "guardrail_blocked")),
        ErrorBody("'temperature' is not permitted here", param="messages"),
    ],
)
def test_words_that_a_filter_quotes_refuse_no_parameter(error: ErrorBody) -> None:
    assert refused_parameter(error, ALL, asked=[PROMPT]) is None


def test_words_of_the_servers_own_count_beside_a_request_that_has_them_too() -> None:
    error = ErrorBody("temperature is not supported with this model")
    assert refused_parameter(error, ALL, asked=["What temperature is it?", PROMPT]) == "temperature"


def test_words_alone_are_not_believed_of_a_parameter_that_was_taken_before() -> None:
    words = ErrorBody("Blocked, not allowed: 'seed temperature'")
    assert refused_parameter(words, ALL) == "seed"
    assert refused_parameter(words, ALL, taken=("seed",)) == "temperature"
    assert refused_parameter(words, ALL, taken=ALL) is None
    named = parse_error(b'{"error": {"message": "Unsupported parameter", "param": "seed"}}')
    assert refused_parameter(named, ALL, taken=ALL) == "seed"
    placed = parse_error(b'{"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}')
    assert refused_parameter(placed, ALL, taken=ALL) == "seed"


# --- how long to wait ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "0", "x-ratelimit-reset-tokens": "9s"}, 9.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "86400"}, 86_400.0),
        ({"retry-after": "99999999999"}, MAX_RETRY_AFTER),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"x-ratelimit-reset-requests": "1s"}, 1.0),
        ({"x-ratelimit-reset-tokens": "1m30s"}, 90.0),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "6m0s"}, 0.02),
        (
            {
                "x-ratelimit-reset-requests": "20ms",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-tokens": "40s",
                "x-ratelimit-remaining-tokens": "0",
            },
            40.0,
        ),
        ({"x-ratelimit-reset": str(int((NOW + 9) * 1000))}, 9.0),
        ({"x-ratelimit-reset": str(int(NOW + 9))}, 9.0),
        ({}, None),
    ],
)
def test_every_way_to_ask_for_patience_is_understood_and_capped(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, now=NOW) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(), st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"]))
def test_whatever_the_header_says_the_wait_is_none_or_within_bounds(value: str, name: str) -> None:
    seconds = retry_after({name: value}, now=NOW)
    assert seconds is None or 0 < seconds <= MAX_RETRY_AFTER


def test_a_date_is_read_by_the_clock_of_the_server_that_wrote_it() -> None:
    headers = {
        "date": formatdate(NOW - 3600, usegmt=True),
        "retry-after": formatdate(NOW - 3570, usegmt=True),
    }
    assert retry_after(headers) == pytest.approx(30.0)
