"""From what the user typed to a target: `embedded`, `openai:MODEL`, `python:...`, `replay:RUN` and others."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignmeter.errors import InputError
from alignmeter.records import Record, Sampling
from alignmeter.targets.endpoint import OPENAI_URL
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from alignmeter.targets.base import Target

TIMEOUT = 60.0
"""Seconds for one call, unless the user says otherwise."""
EMBEDDED_TIMEOUT = 300.0
"""The embedded model shares two cores among its slots: a long prompt may wait its turn."""
KINDS = ("embedded", "openai", "python", "replay", "transformers")
BARE = frozenset({"embedded", "transformers"})
"""Kinds that have a model of their own: their name alone is a target."""


class TargetOptions(Record, frozen=True):
    """How a target is reached and sampled.

    Attributes:
        url: Base URL for `openai:` targets; default `$OPENAI_BASE_URL`, else OpenAI's own.
        revision: What tells two checkpoints behind one name apart.
        api_key_env: Name of the environment variable that holds the key.
        timeout: Seconds for one call; None for 60, or 300 with the embedded model.
        logprobs: Ask for the probabilities of the reply's tokens, where the endpoint gives them.
        slots: Conversations that the embedded model decodes side by side; None for its default.
        adapter: LoRA adapter: a `.gguf` file for `embedded`, a peft folder for `transformers`.
        extra_body: Fields for the body of every request to an `openai:` target, beside those that
            Alignmeter sets, for example `{"chat_template_kwargs": {"enable_thinking": False}}`. The run
            folder keeps them.
    """

    url: str | None = None
    variant: Variant = Variant()
    sampling: Sampling = Sampling()
    revision: str | None = None
    api_key_env: str | None = None
    timeout: float | None = None
    slots: int | None = None
    logprobs: bool = False
    adapter: Path | None = None
    extra_body: dict[str, Any] | None = None


def is_target_spec(text: str) -> bool:
    """Whether a text names a target: a kind with a colon, or alone where that is enough."""
    kind, colon, _ = text.partition(":")
    return kind in (KINDS if colon else BARE)


def resolve_target(spec: str, options: TargetOptions | None = None) -> Target:
    """Make the target that `spec` names; nothing is loaded or connected yet.

    Raises:
        InputError: The spec is not understood (names the nearest kind), or a part of it is missing.
    """
    options = options or TargetOptions()
    kind, _, rest = spec.partition(":")
    if options.url is not None and kind != "openai":
        raise InputError(f"--url goes with --model NAME or --target openai:NAME, got the target {spec!r}")
    if options.extra_body and kind != "openai":
        raise InputError(
            f"--extra-body goes with --model NAME or --target openai:NAME, got the target {spec!r}"
        )
    if options.adapter is not None and kind not in {"embedded", "transformers"}:
        raise InputError(
            f"--adapter goes with the targets embedded and transformers, got the target {spec!r}"
        )
    match kind:
        case "embedded":
            return _embedded(Path(rest) if rest else None, options)
        case "openai" if rest:
            return _openai(rest, options)
        case "python":
            return _python(spec, options)
        case "replay" if rest:
            return _replay(rest, options)
        case "transformers":
            return _transformers(Path(rest) if rest else None, options)
        case _:
            pass
    near = difflib.get_close_matches(kind, KINDS, n=1)
    hint = f"; nearest: {near[0]!r}" if near else ""
    raise InputError(
        f"unknown target {spec!r}{hint}; expected embedded, embedded:PATH.gguf, openai:MODEL, "
        f"python:MODULE:FUNCTION, replay:RUN or transformers:FOLDER"
    )


def _embedded(path: Path | None, options: TargetOptions) -> Target:
    from alignmeter.targets.embedded import SLOTS, Embedded

    return Embedded(
        path,
        adapter=options.adapter,
        variant=options.variant,
        sampling=options.sampling,
        slots=options.slots or SLOTS,
        logprobs=options.logprobs,
        timeout=options.timeout or EMBEDDED_TIMEOUT,
    )


def _openai(model: str, options: TargetOptions) -> Target:
    from alignmeter.targets.openai_compatible import OpenAICompatible

    return OpenAICompatible(
        options.url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL,
        model,
        variant=options.variant,
        sampling=options.sampling,
        revision=options.revision,
        api_key_env=options.api_key_env,
        timeout=options.timeout or TIMEOUT,
        logprobs=options.logprobs,
        extra_body=options.extra_body,
    )


def _python(spec: str, options: TargetOptions) -> Target:
    from alignmeter.targets.python_callable import PythonCallable

    return PythonCallable(
        spec,
        variant=options.variant,
        sampling=options.sampling,
        revision=options.revision,
        timeout=options.timeout or TIMEOUT,
    )


def _transformers(path: Path | None, options: TargetOptions) -> Target:
    from alignmeter.targets.transformers import BATCH, Transformers

    return Transformers(
        path,
        adapter=options.adapter,
        variant=options.variant,
        sampling=options.sampling,
        batch=options.slots or BATCH,
    )


def _replay(run: str, options: TargetOptions) -> Target:
    from alignmeter.targets.replay import Replay

    if options.variant != Variant(name=options.variant.name):
        raise InputError("a replayed run keeps its own system prompt and examples; leave those options out")
    return Replay(Path(run))
