"""`python:` targets: any function of the user's, whatever it returns, raises or forgets."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from alignmeter.errors import InputError
from alignmeter.identity import text_digest
from alignmeter.records import CallError, Message, Sampling, Transcript, Usage
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.python_callable import PythonCallable
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REQUEST = Request(messages=(Message(role="user", content="Hello"),), sampling=Sampling(), trial="t1")


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module and return its `python:` prefix; each test has a module of its own."""

    def write(source: str) -> str:
        name = f"bot_{text_digest(f'{tmp_path} {source}')[:12]}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        return f"python:{name}"

    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    return write


async def _ask(spec: str, request: Request = _REQUEST, **options: Any) -> Reply | CallError:  # noqa: ANN401 - any option
    async with PythonCallable(spec, **options) as target:
        return await target.generate(request)


async def _answer(bot: Callable[[str], str], value: str) -> Reply | CallError:
    """What comes of a function that returns the value of this expression."""
    return await _ask(bot(f"def answer(messages):\n    return {value}\n") + ":answer")


# --- replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "def answer(messages): return messages[-1]['content'] + '!'",
        "async def answer(messages): return messages[-1]['content'] + '!'",
        "import asyncio\nasync def _later(m): await asyncio.sleep(0); return m[-1]['content'] + '!'\n"
        "def answer(messages): return _later(messages)",
        "class Bot:\n    def __call__(self, messages): return messages[-1]['content'] + '!'\nanswer = Bot()",
        "class S(str): pass\ndef answer(messages): return S(messages[-1]['content'] + '!')",
    ],
    ids=["plain", "async", "returns an awaitable", "object", "subclass of str"],
)
async def test_given_any_kind_of_function_when_asked_then_its_text_is_the_reply(
    bot: Callable[[str], str], source: str
) -> None:
    reply = await _ask(bot(source) + ":answer")
    assert reply == Reply(message=Message(role="assistant", content="Hello!"), finish_reason="stop")
    msgspec.json.encode(reply)  # what cannot be written to the journal is no reply


async def test_given_a_variant_when_asked_then_the_function_sees_it_before_the_trial(
    bot: Callable[[str], str],
) -> None:
    spec = bot("import json\ndef answer(messages): return json.dumps(messages)") + ":answer"
    shots = (Message(role="user", content="q"), Message(role="assistant", content="a"))
    variant = Variant(system_prompt="Be safe.", few_shot=shots)
    reply = await _ask(spec, variant=variant)
    assert isinstance(reply, Reply)
    assert msgspec.json.decode(reply.message.content) == [
        {"role": "system", "content": "Be safe."},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "Hello"},
    ]


async def test_given_a_dict_when_returned_then_finish_reason_refusal_and_usage_are_taken_over(
    bot: Callable[[str], str],
) -> None:
    reply = await _answer(
        bot,
        "{'content': 'No.', 'finish_reason': 'length', 'refusal': 'policy', "
        "'usage': {'prompt_tokens': 7, 'completion_tokens': 2, 'total_tokens': 9}}",
    )
    assert reply == Reply(
        message=Message(role="assistant", content="No."),
        finish_reason="length",
        hard_refusal="policy",
        usage=Usage(prompt_tokens=7, completion_tokens=2),
    )


@pytest.mark.parametrize("reason", ["content_filter", "refusal"])
async def test_given_a_finish_reason_that_is_a_refusal_when_returned_then_it_is_a_hard_refusal(
    bot: Callable[[str], str], reason: str
) -> None:
    reply = await _answer(bot, f"{{'content': None, 'finish_reason': {reason!r}}}")
    assert isinstance(reply, Reply)
    assert (reply.message.content, reply.hard_refusal) == ("", reason)


# --- what is no reply ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("None", "expected a str or a dict as the reply, got NoneType"),
        ("42", "got int"),
        ("b'bytes'", "got bytes"),
        ("{'text': 'Hi.'}", "expected a dict with content, finish_reason, refusal, usage"),
        ("{'content': 3}", "expected a dict with content"),
        ("{'content': 'Hi.', 'finish_reason': 'done'}", "expected a dict with content"),
        ("{'content': 'Hi.', 'usage': {'prompt_tokens': '7'}}", "expected usage as whole numbers"),
        ("{'content': 'Hi.', 'usage': {'prompt_tokens': 1.5}}", "expected usage as whole numbers"),
        ("{'content': 'Hi.', 'usage': {'completion_tokens': -1}}", "expected usage as whole numbers"),
        ("{'content': 'Hi.', 'usage': [1, 2]}", "expected usage as whole numbers"),
    ],
)
async def test_given_a_value_that_is_no_reply_when_returned_then_it_is_a_typed_error_that_says_so(
    bot: Callable[[str], str], value: str, says: str
) -> None:
    error = await _answer(bot, value)
    assert isinstance(error, CallError)
    assert error.kind == "bad_response"
    assert says in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize("kind", ["", "async "])
@pytest.mark.parametrize(
    "raised",
    ["ValueError('planted\\nfault')", "TimeoutError('planted fault')", "SystemExit('planted fault')",
     "StopIteration('planted fault')", "OSError('planted fault')"],
)  # fmt: skip
async def test_given_a_function_that_raises_when_asked_then_it_is_an_error_of_that_trial(
    bot: Callable[[str], str], kind: str, raised: str
) -> None:
    error = await _ask(bot(f"{kind}def answer(messages): raise {raised}") + ":answer")
    assert isinstance(error, CallError)
    assert error.kind == "target_exception"
    assert "planted fault" in error.message or "StopIteration" in raised  # a coroutine hides its text
    assert raised.split("(", maxsplit=1)[0] in error.message
    assert not error.retryable


@pytest.mark.parametrize("kind", ["", "async "])
@pytest.mark.parametrize("base", ["Exception", "SystemExit"])
async def test_given_an_exception_without_a_text_when_raised_then_it_is_an_error_of_that_trial(
    bot: Callable[[str], str], kind: str, base: str
) -> None:
    source = (
        f"class Odd({base}):\n    def __str__(self): raise ValueError('no text')\n"
        f"{kind}def answer(messages): raise Odd\n"
    )
    error = await _ask(bot(source) + ":answer", timeout=5.0)
    assert isinstance(error, CallError)
    assert error.kind == "target_exception"
    assert "Odd, which has no text" in error.message


@pytest.mark.parametrize(
    "value", ["Odd()", "{'content': Odd()}", "{'content': 'Hi.', 'finish_reason': Odd()}",
              "{'content': 'Hi.', 'refusal': Odd()}", "{'content': 'Hi.', 'usage': Odd()}"],
)  # fmt: skip
async def test_given_a_value_that_raises_when_it_is_read_then_it_is_an_error_of_that_trial(
    bot: Callable[[str], str], value: str
) -> None:
    odd = (
        "class Odd:\n    def __repr__(self, *_): raise ValueError('planted')\n"
        "    __bool__ = __eq__ = __str__ = __repr__\n"
    )
    error = await _ask(bot(f"{odd}def answer(messages): return {value}") + ":answer")
    assert isinstance(error, CallError)
    assert error.kind == "bad_response"


@pytest.mark.parametrize("value", ["'caf\\ud800'", "{'content': 'x', 'refusal': '\\udfff'}"])
async def test_given_text_that_is_no_unicode_when_returned_then_the_journal_can_still_hold_it(
    bot: Callable[[str], str], value: str
) -> None:
    reply = await _answer(bot, value)
    assert isinstance(reply, Reply)
    transcript = Transcript(trial="t", reply=reply.message, hard_refusal=reply.hard_refusal)
    assert msgspec.json.decode(msgspec.json.encode(transcript), type=Transcript) == transcript


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef answer(messages): time.sleep(5)",
        "import asyncio\nasync def answer(m): await asyncio.sleep(5)",
    ],
    ids=["plain", "async"],
)
async def test_given_a_function_that_hangs_when_its_time_is_over_then_it_is_a_timeout(
    bot: Callable[[str], str], source: str
) -> None:
    started = time.monotonic()
    error = await _ask(bot(source) + ":answer", timeout=0.05)
    assert isinstance(error, CallError)
    assert error.kind == "timeout"
    assert "gave no answer within 0.05 s" in error.message
    assert time.monotonic() - started < 3


# --- many at once --------------------------------------------------------------------------------


async def test_given_more_slow_calls_than_processors_when_asked_side_by_side_then_none_waits_in_a_queue(
    bot: Callable[[str], str],
) -> None:
    """Time in the queue of a thread pool would count as time of the target."""
    spec = bot("import time\ndef answer(messages): time.sleep(0.4); return 'Hi.'") + ":answer"
    async with PythonCallable(spec, timeout=3.0) as target:
        started = time.monotonic()
        replies = await asyncio.gather(*(target.generate(_REQUEST) for _ in range(64)))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert time.monotonic() - started < 2.5  # one after the other in six threads: 4.4 s


async def test_given_a_context_variable_when_a_plain_function_is_called_then_it_sees_it(
    bot: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("seen")
    spec = bot("variable = None\ndef answer(messages): return variable.get()")
    async with PythonCallable(f"{spec}:answer") as target:
        monkeypatch.setattr(sys.modules[spec.removeprefix("python:")], "variable", variable)
        reply = await target.generate(_REQUEST)
    assert isinstance(reply, Reply)
    assert reply.message.content == "seen"


def test_given_a_function_that_never_returns_when_the_process_ends_then_it_ends(
    bot: Callable[[str], str], tmp_path: Path
) -> None:
    spec = bot("import threading\ndef answer(messages): threading.Event().wait()") + ":answer"
    script = (
        "import asyncio\n"
        "from alignmeter.targets.python_callable import PythonCallable\n"
        "from alignmeter.targets.base import Request\n"
        "from alignmeter.records import Sampling\n"
        f"target = PythonCallable({spec!r}, timeout=0.05)\n"
        "print(asyncio.run(target.generate(Request(messages=(), sampling=Sampling()))).kind)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (0, "timeout\n")


# --- the spec and the fingerprint ----------------------------------------------------------------


@pytest.mark.parametrize(
    "spec", ["python:", "python:module", "python::f", "python:m:", "python:a:b:c", "elsewhere:m:f"]
)
def test_given_a_spec_that_is_incomplete_when_resolved_then_an_example_is_shown(spec: str) -> None:
    with pytest.raises(InputError, match="expected python:MODULE:FUNCTION, for example python:my_bot:answer"):
        PythonCallable(spec)


def test_given_a_module_or_function_that_is_missing_when_resolved_then_it_is_named(
    bot: Callable[[str], str],
) -> None:
    with pytest.raises(InputError, match="no module 'nowhere_at_all' found; run from the folder"):
        PythonCallable("python:nowhere_at_all:answer")
    with pytest.raises(InputError, match="no module 'missing_dependency' found"):
        PythonCallable(bot("import missing_dependency") + ":answer")
    with pytest.raises(InputError, match="raised ZeroDivisionError: division by zero"):
        PythonCallable(bot("1 / 0") + ":answer")
    with pytest.raises(InputError, match="has no function 'anwser'; it has: answer"):
        PythonCallable(bot("answer = len\n_hidden = len\nnumber = 3") + ":anwser")


def test_given_code_that_changed_when_fingerprinted_then_it_is_another_target(
    bot: Callable[[str], str],
) -> None:
    one = PythonCallable(bot("def answer(messages): return 'a'") + ":answer").fingerprint
    other = PythonCallable(bot("def answer(messages): return 'b'") + ":answer").fingerprint
    assert one.kind == "python"
    assert one.weights is not None
    assert one.weights != other.weights
