"""The chat-completions wire format: our requests as JSON bytes, any server's reply in our words.

Decoding is strict about what is needed (a first choice that holds a message, or a filter's signal) and
lenient about all else, since vLLM, SGLang, llama.cpp, Ollama, LiteLLM and OpenAI each add and leave out
fields.
Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from alignmeter.records import Message, TokenLogprob, ToolCall, Usage
from alignmeter.targets.base import Reply
from alignmeter.targets.endings import broke_off, finish_reason, provider_refusal, spoken, unknown_reason
from alignmeter.targets.wire_errors import error_in, parse_error, plain_json, reported

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from alignmeter.records import ImagePart, ToolSchema
    from alignmeter.targets.base import Request
    from alignmeter.targets.variants import Variant
    from alignmeter.targets.wire_errors import ErrorBody

T = TypeVar("T")

TOP_LOGPROBS = 5
"""Alternatives asked for in the place of each token."""
KEPT_LOGPROBS = 12
"""First tokens of a reply whose probabilities are kept: verdicts and closed answers come first."""
MOST_TOKENS = 100_000_000
"""A larger count of one call is taken for a slip of the server's: the longest contexts hold ten million."""

# --- what we send --------------------------------------------------------------------------------


def encode(
    request: Request,
    *,
    model: str,
    variant: Variant,
    extra: Mapping[str, Any] | None = None,
    refused: Collection[str] = (),
) -> bytes:
    """Encode one request as the body of `POST /chat/completions`.

    Args:
        request: What to ask.
        model: Model name as the endpoint knows it.
        variant: System prompt and examples to put in front.
        extra: Fields of the user's own, added last.
        refused: Members of `OPTIONAL_PARAMETERS` that this server refused: `max_tokens` is then
            sent as `max_completion_tokens`, any other is left out.

    Returns:
        UTF-8 JSON on one line.

    Raises:
        UnicodeEncodeError: A text holds a lone surrogate, which UTF-8 cannot carry.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_wire_message(message) for message in variant.apply(request.messages)],
        **sampling_fields(request, refused),
    }
    if request.tools:
        body["tools"] = [_wire_tool(tool) for tool in request.tools]
    if request.constraint is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": request.constraint},
        }
    return msgspec.json.encode(body | dict(extra or {}))


def sampling_fields(request: Request, refused: Collection[str] = ()) -> dict[str, Any]:
    """Return the sampling fields of the body, `refused` ones renamed or left out."""
    sampling = request.sampling
    limit = "max_completion_tokens" if "max_tokens" in refused else "max_tokens"
    fields: dict[str, Any] = {"temperature": sampling.temperature, limit: sampling.max_tokens}
    if sampling.top_p != 1:
        fields["top_p"] = sampling.top_p
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    if request.logprobs and "logprobs" not in refused:
        fields |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    return {name: value for name, value in fields.items() if name not in refused}


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        text = {"type": "text", "text": message.content}
        wire["content"] = [text, *(_wire_image(image) for image in message.images)]
    if message.tool_calls:
        # OpenAI's form of an assistant turn that only calls tools has null content, not "".
        wire["content"] = message.content or None
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _wire_image(image: ImagePart) -> dict[str, Any]:
    """As a data URL: no server has to fetch anything. The alt text is for people, never sent."""
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}}


def _wire_tool(tool: ToolSchema) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


# --- what comes back -----------------------------------------------------------------------------


class WireError(ValueError):
    """A body that is no chat completion; the text says what was expected and what came."""


class _Function(msgspec.Struct):
    name: Any = None
    # OpenAI sends JSON text, Ollama and some proxies a JSON object.
    arguments: msgspec.Raw = msgspec.Raw(b'""')


class _Custom(msgspec.Struct):
    name: Any = None
    input: Any = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None
    # OpenAI's calls of tools that take a text and no JSON.
    custom: _Custom | None = None
    type: Any = None
    id: Any = None


class _Part(msgspec.Struct):
    type: Any = None
    text: Any = None
    refusal: Any = None


class _Message(msgspec.Struct):
    content: str | list[_Part | str | None] | None = None
    # A text where the provider refused; some proxies send true or false.
    refusal: Any = None
    # Decoded one by one, so that an odd call never costs a reply.
    tool_calls: msgspec.Raw = msgspec.Raw(b"null")
    function_call: msgspec.Raw = msgspec.Raw(b"null")


class _Alternative(msgspec.Struct):
    token: str
    logprob: float


class _Token(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_Alternative] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    # Decoded apart, so that odd probabilities never cost a reply.
    logprobs: msgspec.Raw = msgspec.Raw(b"null")
    # A string, but a number of some proxies' own.
    finish_reason: Any = None
    # A string of Anthropic's or of a proxy, but a token number in vLLM.
    stop_reason: Any = None
    error: Any = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: Any = None
    # Decoded apart, so that an odd count never costs a reply.
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


_completion_decoder = msgspec.json.Decoder(_Completion)
_logprobs_decoder = msgspec.json.Decoder(_Logprobs | None)
_calls_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_call_decoder = msgspec.json.Decoder(_ToolCall)
_function_decoder = msgspec.json.Decoder(_Function)
_usage_decoder = msgspec.json.Decoder(_Usage | None, strict=False)

_EMPTY = frozenset((b"null", b"{}", b"[]", b'""', b"false"))
"""What servers send where there is no call."""
_THOUGHTS = ("reasoning", "thinking", "redacted_thinking")
"""Types of content parts that are no text of the reply."""


def decode_reply(raw: bytes) -> Reply | ErrorBody:
    """Decode the body of a 200 answer.

    Returns:
        The reply, or the error that servers such as LiteLLM and OpenRouter put into a 200 answer.

    Raises:
        WireError: The body is no chat completion.
    """
    try:
        return _read(raw) or parse_error(raw)
    except (ValueError, RecursionError) as error:
        # A body of another shape may still be an error in words.
        if (spoken := reported(raw)) is not None:
            return spoken
        if isinstance(error, WireError):
            raise
        raise WireError(f"expected the JSON of a chat completion ({_reason(error)})") from None


def _read(raw: bytes) -> Reply | ErrorBody | None:
    try:
        return _reply(_completion_decoder.decode(raw))
    except (msgspec.ValidationError, WireError):
        raise
    except ValueError:
        plain = plain_json(raw)
        if plain is None:
            raise
        return _reply(_completion_decoder.decode(plain))


def _reply(completion: _Completion) -> Reply | ErrorBody | None:
    if completion.error:
        return None
    if not completion.choices:
        raise WireError("expected a chat completion with at least one entry in `choices`, got none")
    choice = completion.choices[0]
    if choice.error:
        return error_in({"error": choice.error})
    message = choice.message or _Message()
    said = _text_or_none(choice.finish_reason) or _text_or_none(choice.stop_reason)
    if broke_off(said):
        raise WireError(f"expected a reply brought to its end, the server broke it off ({said!r})")
    refused = _hard_refusal(choice, message, said)
    if choice.message is None and refused is None:
        raise WireError("expected a chat completion with `choices[0].message`, got a choice without message")
    return Reply(
        message=_our_message(message),
        finish_reason=finish_reason(said),
        finish_unknown=unknown_reason(said),
        usage=_our_usage(completion.usage),
        hard_refusal=refused,
        model_reported=_text_or_none(completion.model),
        logprobs=_our_logprobs(choice.logprobs),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"invalid UTF-8 at byte {error.start}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _our_message(message: _Message) -> Message:
    return Message(role="assistant", content=_text(message.content), tool_calls=_our_calls(message))


def _our_calls(message: _Message) -> tuple[ToolCall, ...]:
    """Every call that is there, odd ones too."""
    made = _lenient(_calls_decoder, message.tool_calls, odd=[message.tool_calls]) or ()
    found = [call for one in made if (call := _lenient(_call_decoder, one, odd=_ToolCall())) is not None]
    if not found and (legacy := _lenient(_function_decoder, message.function_call, odd=_Function())):
        found = [_ToolCall(function=legacy)]
    return tuple(_our_call(call, f"call_{n}") for n, call in enumerate(found))


def _lenient(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, *, odd: T) -> T | None:
    """What a field holds, `odd` where it is of another shape; None where it is empty."""
    if bytes(raw) in _EMPTY:
        return None
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return odd


def _our_call(call: _ToolCall, number: str) -> ToolCall:
    """A call of any kind; of one that is neither a function nor custom only the kind is known."""
    name, arguments = _text_or_none(call.type), ""
    if call.function is not None:
        name, arguments = _text_or_none(call.function.name), _arguments(call.function)
    elif call.custom is not None:
        name, arguments = _text_or_none(call.custom.name), _text_or_none(call.custom.input) or ""
    return ToolCall(id=_text_or_none(call.id) or number, name=name or "unknown", arguments=arguments)


def _text(content: str | list[_Part | str | None] | None) -> str:
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else _part_text(part) for part in content or ())


def _part_text(part: _Part | None) -> str:
    if part is None or (_text_or_none(part.type) or "").startswith(_THOUGHTS):
        return ""
    return _text_or_none(part.text) or ""


def _arguments(function: _Function) -> str:
    raw = bytes(function.arguments)
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return "" if raw == b"null" else raw.decode()


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _hard_refusal(choice: _Choice, message: _Message, said: str | None) -> str | None:
    told = message.refusal if isinstance(message.refusal, str) else ""
    if words := spoken(told) or spoken(_refusal_parts(message.content)):
        return words
    signal = provider_refusal(said, _text_or_none(choice.stop_reason))
    return signal or ("refusal" if message.refusal is True else None)


def _refusal_parts(content: str | list[_Part | str | None] | None) -> str:
    """The words of the parts `{"type": "refusal", "refusal": ...}`, which are no text of the reply."""
    parts = content if isinstance(content, list) else ()
    return "".join(_text_or_none(part.refusal) or "" for part in parts if isinstance(part, _Part))


def _our_logprobs(raw: msgspec.Raw) -> tuple[TokenLogprob, ...]:
    try:
        found = _logprobs_decoder.decode(raw)
    except ValueError:
        return ()
    if found is None:
        return ()
    return tuple(
        TokenLogprob(
            token=one.token,
            logprob=one.logprob,
            top={other.token: other.logprob for other in one.top_logprobs or ()},
        )
        for one in (found.content or ())[:KEPT_LOGPROBS]
    )


def _our_usage(raw: msgspec.Raw) -> Usage:
    try:
        usage = _usage_decoder.decode(raw)
    except ValueError:
        return Usage()
    if usage is None:
        return Usage()
    return Usage(
        prompt_tokens=_credible(usage.prompt_tokens), completion_tokens=_credible(usage.completion_tokens)
    )


def _credible(count: int | None) -> int | None:
    """A count of tokens, None where no call can have had so many: the endpoint does not say."""
    return count if count is not None and 0 <= count <= MOST_TOKENS else None
