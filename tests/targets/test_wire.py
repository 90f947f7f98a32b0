"""Chat completions on the wire: what is sent, and how replies of different servers are read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.records import Message, Sampling, ToolCall, ToolSchema, Usage
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.variants import Variant
from alignmeter.targets.wire import WireError, decode_reply, encode
from alignmeter.targets.wire_errors import ErrorBody

QUESTION = (Message(role="user", content="How do I whittle a spoon?"),)


def body_of(
    request: Request,
    *,
    variant: Variant | None = None,
    extra: dict[str, Any] | None = None,
    refused: tuple[str, ...] = (),
) -> dict[str, Any]:
    raw = encode(request, model="m", variant=variant or Variant(), extra=extra, refused=refused)
    return json.loads(raw)


def decoded(message: dict[str, Any] | None = None, **choice: object) -> Reply:
    answer = {"choices": [{"message": {"content": "Yes."} if message is None else message, **choice}]}
    reply = decode_reply(json.dumps(answer).encode())
    assert isinstance(reply, Reply)
    return reply


# --- what is sent --------------------------------------------------------------------------------


def test_a_plain_question_carries_model_messages_and_sampling_and_nothing_else() -> None:
    request = Request(messages=QUESTION, sampling=Sampling(temperature=0.0, max_tokens=64, seed=3))
    assert body_of(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": "How do I whittle a spoon?"}],
        "temperature": 0.0,
        "max_tokens": 64,
        "seed": 3,
    }


def test_top_p_is_sent_only_when_it_narrows_and_seed_only_when_there_is_one() -> None:
    body = body_of(Request(messages=QUESTION, sampling=Sampling(top_p=0.9, seed=None)))
    assert body["top_p"] == 0.9
    assert "seed" not in body


def test_refused_parameters_are_left_out_and_max_tokens_gets_its_newer_name() -> None:
    request = Request(messages=QUESTION, sampling=Sampling(top_p=0.5, max_tokens=9))
    body = body_of(request, refused=("max_tokens", "temperature", "top_p", "seed"))
    assert body.keys() == {"model", "messages", "max_completion_tokens"}
    assert body["max_completion_tokens"] == 9


def test_a_variant_merges_its_system_prompt_with_the_trials_and_puts_examples_between() -> None:
    variant = Variant(
        system_prompt="Be safe.",
        few_shot=(Message(role="user", content="q"), Message(role="assistant", content="a")),
    )
    messages = (Message(role="system", content="You are a shop."), *QUESTION)
    body = body_of(Request(messages=messages, sampling=Sampling()), variant=variant)
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be safe.\n\nYou are a shop."),
        ("user", "q"),
        ("assistant", "a"),
        ("user", "How do I whittle a spoon?"),
    ]


def test_tools_are_offered_as_functions_and_one_without_parameters_has_an_empty_object() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = (
        ToolSchema(name="weather", description="Tells it.", parameters=schema),
        ToolSchema(name="stop"),
    )
    body = body_of(Request(messages=QUESTION, sampling=Sampling(), tools=tools))
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Tells it.", "parameters": schema},
        },
        {
            "type": "function",
            "function": {"name": "stop", "parameters": {"type": "object", "properties": {}}},
        },
    ]


def test_a_tool_conversation_keeps_calls_and_results_together() -> None:
    call = ToolCall(id="c1", name="weather", arguments='{"city": "Bern"}')
    messages = (
        *QUESTION,
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="sunny", tool_call_id="c1"),
    )
    sent = body_of(Request(messages=messages, sampling=Sampling()))["messages"]
    assert sent[1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}
        ],
    }
    assert sent[2] == {"role": "tool", "content": "sunny", "tool_call_id": "c1"}


def test_a_constraint_becomes_a_strict_json_schema_response_format() -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    body = body_of(Request(messages=QUESTION, sampling=Sampling(), constraint=schema))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": schema},
    }


def test_extra_fields_are_added_to_the_body() -> None:
    body = body_of(Request(messages=QUESTION, sampling=Sampling()), extra={"top_k": 1})
    assert body["top_k"] == 1


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_way_there_on_one_line(text: str) -> None:
    request = Request(messages=(Message(role="user", content=text),), sampling=Sampling())
    raw = encode(request, model="m", variant=Variant())
    assert b"\n" not in raw
    assert json.loads(raw)["messages"][0]["content"] == text


def test_a_lone_surrogate_is_refused_and_not_replaced() -> None:
    request = Request(messages=(Message(role="user", content="\ud800"),), sampling=Sampling())
    with pytest.raises(UnicodeEncodeError):
        encode(request, model="m", variant=Variant())


# --- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Yes.", "Yes."),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "Y"}, {"type": "text", "text": "es."}], "Yes."),
        ([{"type": "image_url", "image_url": {"url": "x"}}, "Yes."], "Yes."),
        ([{"type": "refusal", "refusal": "I can't."}], ""),
        ([{"type": "reasoning", "text": "I must refuse."}, {"type": "output_text", "text": "Yes."}], "Yes."),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "No."}]}, "Yes."], "Yes."),
        ([{"type": None, "text": "Yes."}], "Yes."),
        ([None, {"type": 5, "text": "Yes."}, {"type": "text", "text": 7}], "Yes."),
        ([], ""),
    ],
)
def test_content_is_text_null_or_parts_that_are_joined(content: object, text: str) -> None:
    assert decoded({"role": "assistant", "content": content}).message.content == text


def test_reasoning_is_no_part_of_the_reply_and_unknown_fields_do_no_harm() -> None:
    reply = decoded(
        {"content": "Yes.", "reasoning_content": "hm", "audio": None, "x": [1]}, logprobs={"a": 1}
    )
    assert reply.message == Message(role="assistant", content="Yes.")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("refusal", "refusal"),
        ("STOP", "stop"),
        ("max_output_tokens", "length"),
        ("token_limit", "length"),
        ("TIME_LIMIT", "length"),
        ("model_context_window_exceeded", "length"),
        ("SAFETY", "content_filter"),
        ("content_filter: SAFETY", "content_filter"),
        ("FinishReason.PROHIBITED_CONTENT", "content_filter"),
        ("guardrail-intervened", "content_filter"),
        ("something new", "unknown"),
        (None, "unknown"),
        (1, "unknown"),
    ],
)
def test_finish_reasons_of_every_server_become_ours(reason: object, expected: str) -> None:
    assert decoded(finish_reason=reason).finish_reason == expected


@pytest.mark.parametrize(
    ("message", "choice", "signal"),
    [
        ({"content": None, "refusal": "I can't do that."}, {"finish_reason": "stop"}, "I can't do that."),
        ({"content": "cut"}, {"finish_reason": "content_filter"}, "content_filter"),
        ({"content": None}, {"finish_reason": "refusal"}, "refusal"),
        ({"content": None}, {"stop_reason": "refusal"}, "refusal"),
        ({"content": ""}, {"finish_reason": "CONTENT_FILTER"}, "content_filter"),
        ({"content": None}, {"stop_reason": "REFUSAL"}, "refusal"),
        ({"content": "Sure, first"}, {"finish_reason": "SAFETY"}, "safety"),
        ({"content": None}, {"finish_reason": "content_filter: SPII"}, "content_filter: spii"),
        ({"content": "Sorry."}, {"stop_reason": "guardrail_intervened"}, "guardrail_intervened"),
        ({"content": [{"type": "refusal", "refusal": "I can't."}]}, {"finish_reason": "stop"}, "I can't."),
        ({"content": [{"type": "text", "text": "I can't."}]}, {"finish_reason": "stop"}, None),
        ({"content": "I can't.", "refusal": ""}, {"finish_reason": "stop"}, None),
        ({"content": "Yes.", "refusal": False}, {"finish_reason": "stop"}, None),
        ({"content": "Yes.", "refusal": " "}, {"finish_reason": "stop"}, None),
        ({"content": "Yes.", "refusal": "null"}, {"finish_reason": "stop"}, None),
        ({"content": [{"type": "refusal", "refusal": "\n"}]}, {"finish_reason": "stop"}, None),
        ({"content": "Yes."}, {"finish_reason": "stop", "stop_reason": "blocked"}, None),
        ({"content": "", "refusal": True}, {"finish_reason": "stop"}, "refusal"),
        ({"content": "Yes.", "refusal": None}, {"finish_reason": "stop", "stop_reason": 151645}, None),
    ],
)
def test_a_providers_own_signal_is_a_hard_refusal_and_text_alone_never_is(
    message: dict[str, Any], choice: dict[str, Any], signal: str | None
) -> None:
    assert decoded(message, **choice).hard_refusal == signal


@pytest.mark.parametrize("reason", ["error", "abort", "FinishReason.ERROR", "network_error", "not_finished"])
def test_given_a_reply_that_the_server_broke_off_when_read_then_it_is_no_reply(reason: str) -> None:
    with pytest.raises(WireError, match="expected a reply brought to its end, the server broke it off"):
        decoded({"content": "Sure. First, take the"}, finish_reason=reason)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("something new", "something new"),
        ("x" * 500, "x" * 80),
        ("stop", None),
        ("SAFETY", None),
        (None, None),
    ],
)
def test_a_reason_that_nobody_knows_is_kept_in_the_servers_words(
    reason: str | None, kept: str | None
) -> None:
    assert decoded(finish_reason=reason).finish_unknown == kept


def test_given_a_filter_that_sends_no_message_when_read_then_it_is_a_hard_refusal() -> None:
    reply = decode_reply(b'{"choices": [{"index": 0, "finish_reason": "content_filter"}]}')
    assert isinstance(reply, Reply)
    assert (reply.message.content, reply.finish_reason) == ("", "content_filter")
    assert reply.hard_refusal == "content_filter"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (rb'{"choices": [{"message": {"content": "Hi \ud83d"}}]}', "Hi ?"),
        (rb'{"choices": [{"message": {"content": "Hi"}, "logprobs": {"content": [NaN, -Infinity]}}]}', "Hi"),
    ],
)
def test_given_what_json_does_not_have_when_read_then_the_reply_is_kept(raw: bytes, expected: str) -> None:
    reply = decode_reply(raw)
    assert isinstance(reply, Reply)
    assert reply.message.content == expected
    msgspec.json.encode(reply)  # what cannot be written to the journal is no reply


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (
            [{"id": "c9", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            ToolCall(id="c9", name="f", arguments='{"a": 1}'),
        ),
        (
            [{"id": None, "function": {"name": "f", "arguments": {"a": 1}}}],
            ToolCall(id="call_0", name="f", arguments='{"a": 1}'),
        ),
        ([{"function": {"name": "f", "arguments": None}}], ToolCall(id="call_0", name="f", arguments="")),
        ([{"function": {"name": "f"}}], ToolCall(id="call_0", name="f", arguments="")),
        (
            [{"id": "c1", "type": "custom", "custom": {"name": "f", "input": "x"}}],
            ToolCall(id="c1", name="f", arguments="x"),
        ),
        ([{"type": "web_search"}], ToolCall(id="call_0", name="web_search", arguments="")),
    ],
)
def test_tool_calls_are_read_in_text_and_object_form(calls: list[Any], expected: ToolCall) -> None:
    assert decoded({"content": None, "tool_calls": calls}).message.tool_calls == (expected,)


ODD_CALLS: list[tuple[Any, list[str]]] = [
    ([None], []),
    ({}, []),
    ("", []),
    ([{}], []),
    ([None, {"id": 7, "function": {"arguments": "{}"}}], ["unknown"]),
    ([{"type": 5, "function": {"name": 5}}], ["unknown"]),
    (["f"], ["unknown"]),
    ("f", ["unknown"]),
    ([{"type": "custom", "custom": {"name": "f", "input": {"a": 1}}}], ["f"]),
]


@pytest.mark.parametrize(("calls", "names"), ODD_CALLS)
def test_an_odd_tool_call_never_costs_a_reply(calls: object, names: list[str]) -> None:
    message = decoded({"content": "Sure.", "tool_calls": calls}).message
    assert message.content == "Sure."
    assert [call.name for call in message.tool_calls] == names


@pytest.mark.parametrize("model", [5, None, "", {"name": "m"}])
def test_an_odd_name_of_the_model_never_costs_a_reply(model: object) -> None:
    raw = json.dumps({"choices": [{"message": {"content": "Yes."}}], "model": model})
    reply = decode_reply(raw.encode())
    assert isinstance(reply, Reply)
    assert reply.model_reported is None


def test_the_legacy_function_call_is_a_tool_call() -> None:
    reply = decoded({"content": None, "function_call": {"name": "f", "arguments": "{}"}})
    assert reply.message.tool_calls == (ToolCall(id="call_0", name="f", arguments="{}"),)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3}, Usage(prompt_tokens=7, completion_tokens=3)),
        ({"prompt_tokens": 7}, Usage(prompt_tokens=7)),
        (None, Usage()),
        ({"prompt_tokens": "many"}, Usage()),
        ({"prompt_tokens": -1_000_000, "completion_tokens": 3}, Usage(completion_tokens=3)),
        ({"prompt_tokens": 7, "completion_tokens": 2**31}, Usage(prompt_tokens=7)),
        ({"prompt_tokens": 10**30, "completion_tokens": 3}, Usage(completion_tokens=3)),
        ([], Usage()),
    ],
)
def test_odd_usage_never_costs_a_reply(usage: object, expected: Usage) -> None:
    raw = json.dumps({"choices": [{"message": {"content": "Yes."}}], "usage": usage, "model": "m-2"})
    reply = decode_reply(raw.encode())
    assert isinstance(reply, Reply)
    assert reply.usage == expected
    assert reply.model_reported == "m-2"


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b'{"choices": []}', "at least one entry in `choices`"),
        (b'{"model": "m", "response": "Yes."}', "at least one entry in `choices`"),
        (b'{"choices": [{"index": 0}]}', "`choices[0].message`"),
        (b'{"choices": [{"index": 0, "finish_reason": "stop"}]}', "`choices[0].message`"),
        (b'{"choices": [{"message": {"content": 7}}]}', "choices"),
        (b"[1, 2]", "expected the JSON of a chat completion"),
        (b'{"choices": [{"mess', "truncated"),
        (b'{"choices": [{"message": {"content": "caf\xe9"}}]}', "invalid UTF-8 at byte"),
        (
            b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "\xff"}}]}}]}',
            "UTF-8",
        ),
        (b'{"deep": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_is_no_completion_says_what_was_expected(raw: bytes, complaint: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_reply(raw)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "upstream is down", "code": 502}},
        {"choices": [{"error": {"message": "upstream is down", "code": 502}, "finish_reason": "error"}]},
        {"choices": None, "error": {"message": "upstream is down", "code": "502"}},
    ],
)
def test_an_error_inside_a_200_answer_is_an_error(body: dict[str, Any]) -> None:
    error = decode_reply(json.dumps(body).encode())
    assert isinstance(error, ErrorBody)
    assert (error.message, error.status) == ("upstream is down", 502)


@given(st.binary())
def test_any_bytes_are_a_reply_a_reported_error_or_a_wire_error(raw: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(decode_reply(raw), Reply | ErrorBody)
