"""`python:module:function`: any function of the user's as the system under test."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import importlib
import inspect
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import CallError, FinishReason, Message, Record, Sampling, TargetFingerprint, Usage
from alignmeter.targets.base import Reply, Request, refused_images
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Self

_REPLY_KEYS = ("content", "finish_reason", "refusal", "usage")


class _Usage(Record, frozen=True):
    """What a function may say of its tokens."""

    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None


class PythonCallable:
    """Calls `function(messages)` for each trial.

    `messages` is a list of `{"role": ..., "content": ...}`. The function, plain or async, returns
    the reply's text, or a dict with `content` and optionally `finish_reason`, `refusal` (a hard
    refusal signal) and `usage` (`prompt_tokens`, `completion_tokens`). A plain function runs in a
    thread of its own. An exception is a typed error of that trial, never a refusal.
    """

    def __init__(
        self,
        spec: str,
        *,
        variant: Variant | None = None,
        sampling: Sampling | None = None,
        revision: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.spec = spec
        self.url: str | None = None
        self.max_concurrency: int | None = None
        self._variant = variant or Variant()
        self._timeout = timeout
        self._function, source = load_function(spec)
        self.fingerprint = TargetFingerprint(
            kind="python",
            model=spec.removeprefix("python:"),
            sampling=sampling or Sampling(),
            revision=revision,
            weights=source,
            system_prompt=self._variant.system_prompt_digest,
            few_shot=self._variant.few_shot_digest,
        )

    async def generate(self, request: Request) -> Reply | CallError:
        """Call the function on one request; see `Target.generate`."""
        if (fault := refused_images(self.spec, request)) is not None:
            return fault
        messages = [
            {
                "role": m.role,
                "content": m.content,
                **({"tool_call_id": m.tool_call_id} if m.tool_call_id else {}),
            }
            for m in self._variant.apply(request.messages)
        ]
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                if inspect.iscoroutinefunction(self._function):
                    answer = await self._function(messages)
                else:
                    answer = await _in_thread(self._function, messages)
                    if inspect.isawaitable(answer):
                        answer = await answer
        except (Exception, SystemExit) as error:
            if limit.expired():
                text = f"{self.spec} gave no answer within {self._timeout:g} s"
                return CallError(kind="timeout", message=text)
            return CallError(
                kind="target_exception",
                message=f"{self.spec} raised {exception_line(error)}",
            )
        try:
            return _reply(self.spec, answer)
        except Exception as error:  # an object of the user's may raise on any use
            return CallError(
                kind="bad_response",
                message=f"{self.spec}: expected a reply of plain values, but reading it raised "
                f"{exception_line(error)}",
            )

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close."""


async def _in_thread(function: Callable[[list[dict[str, str]]], Any], messages: list[dict[str, str]]) -> Any:  # noqa: ANN401 - the user's value
    """Call a plain function in a daemon thread of its own.

    Not in asyncio's pool: that has a handful of threads on a small machine, so that calls would wait
    in its queue until they time out, and it keeps the process from ending while a function hangs.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(answer: Any, error: Exception | None) -> None:  # noqa: ANN401 - the user's value
        if done.done():
            return
        if error is None:
            done.set_result(answer)
        else:
            done.set_exception(error)

    def call() -> None:
        answer: Any = None
        failure: Exception | None = None
        try:
            answer = context.run(function, messages)
        except BaseException as error:
            # A future carries neither StopIteration nor what would end the event loop.
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                failure = error
            else:
                failure = RuntimeError(exception_line(error))
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=call, name="alignmeter-target", daemon=True).start()
    return await done


def exception_line(error: BaseException) -> str:
    """Return what the user's code raised on one line: the type and the text, where it has one."""
    name = type(error).__name__
    try:
        return _encodable(f"{name}: {' '.join(str(error).split())[:200]}")
    except Exception:
        return f"{name}, which has no text"


def _encodable(text: str) -> str:
    """Replace lone surrogates, which a Python string may hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def load_function(spec: str) -> tuple[Callable[..., Any], str | None]:
    """Import the function that `python:MODULE:FUNCTION` names.

    Returns:
        The function, and the SHA-256 of its module's file where it has one.

    Raises:
        InputError: The spec is not understood, or there is no such function.
    """
    module, function_name, source = load_module(
        spec, "python:MODULE:FUNCTION, for example python:my_bot:answer"
    )
    function = getattr(module, function_name, None)
    if not callable(function):
        known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise InputError(
            f"{spec}: {module.__name__!r} has no function {function_name!r}; it has: "
            f"{', '.join(known) or 'none'}"
        )
    return cast("Callable[..., Any]", function), source


def load_module(spec: str, form: str) -> tuple[ModuleType, str, str | None]:
    """Import the module of `python:MODULE:NAME`.

    Args:
        spec: As the user wrote it.
        form: How it is written, with an example.

    Returns:
        The module, the name in it, and the SHA-256 of the module's file where it has one.

    Raises:
        InputError: The spec is not understood, or the module cannot be imported.
    """
    match spec.split(":"):
        case ["python", module_name, name] if module_name and name:
            pass
        case _:
            raise InputError(f"expected {form}, got {spec!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{spec}: no module {error.name!r} found; run from the folder that holds it, or install it"
        ) from None
    except Exception as error:
        raise InputError(f"{spec}: importing {module_name!r} raised {exception_line(error)}") from None
    file = getattr(module, "__file__", None)
    source = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
    return module, name, source


def _reply(spec: str, answer: object) -> Reply | CallError:
    """Turn what the function returned into a reply, or say as data what was expected."""
    if isinstance(answer, str):
        return Reply(message=Message(role="assistant", content=_encodable(answer)), finish_reason="stop")
    if not isinstance(answer, dict):
        return CallError(
            kind="bad_response",
            message=f"{spec}: expected a str or a dict as the reply, got {type(answer).__name__}",
        )
    fields = cast("dict[str, Any]", answer)
    unknown = [key for key in fields if key not in _REPLY_KEYS]
    content, finish = fields.get("content") or "", fields.get("finish_reason", "stop")
    if unknown or not isinstance(content, str) or finish not in get_args(FinishReason):
        return CallError(
            kind="bad_response",
            message=f"{spec}: expected a dict with {', '.join(_REPLY_KEYS)}, got {str(fields)[:120]!r}",
        )
    try:  # a number that is none would make a journal that nobody can read again
        usage = msgspec.convert(fields.get("usage") or {}, _Usage)
    except msgspec.ValidationError as error:
        return CallError(kind="bad_response", message=f"{spec}: expected usage as whole numbers, got {error}")
    refusal = fields.get("refusal") or (finish if finish in {"content_filter", "refusal"} else None)
    return Reply(
        message=Message(role="assistant", content=_encodable(content)),
        finish_reason=cast("FinishReason", finish),
        hard_refusal=_encodable(str(refusal)) if refusal else None,
        usage=Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens),
    )
