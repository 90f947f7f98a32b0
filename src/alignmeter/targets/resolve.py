"""From what the user typed to a target: `embedded`, `openai:MODEL`, `python:...`, `replay:RUN` and others."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record, Sampling
from alignmeter.targets.endpoint import OPENAI_URL, openai_key_variable
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from alignmeter.targets.base import Target

TIMEOUT = 60.0
"""Seconds for one call, unless the user says otherwise."""
EMBEDDED_TIMEOUT = 300.0
"""The embedded model shares two cores among its slots: a long prompt may wait its turn."""
FORMS = {
    "embedded": "embedded",
    "openai": "openai:MODEL",
    "python": "python:MODULE:FUNCTION",
    "replay": "replay:RUN",
    "transformers": "transformers:FOLDER",
}
"""How a target of each kind is written."""
KINDS = tuple(FORMS)
BARE = frozenset({"embedded", "transformers"})
"""Kinds that have a model of their own: their name alone is a target."""
_HERE = BARE
_ENDPOINT = frozenset({"openai"})
_ASKED = frozenset(KINDS) - {"replay"}
TAKEN_BY: dict[str, frozenset[str]] = {
    "url": _ENDPOINT,
    "api_key_env": _ENDPOINT,
    "extra_body": _ENDPOINT,
    "revision": frozenset({"openai", "python"}),
    "timeout": frozenset({"embedded", "openai", "python"}),
    "logprobs": frozenset({"embedded", "openai"}),
    "slots": _HERE,
    "adapter": _HERE,
    "system_prompt": _ASKED,
    "few_shot": _ASKED,
    "variant": frozenset(KINDS),
    "temperature": _ASKED,
    "max_tokens": _ASKED,
    "seed": _ASKED,
}
"""Which kinds have a use for an option, by the name of its field; for any other kind it is refused.

A function is not told how to sample: what is said of that is part of its fingerprint, as its revision is. A
recording keeps what it was asked with; a name for reports is all that it takes.
"""


class TargetOptions(Record, frozen=True):
    """How a target is reached and sampled.

    Attributes:
        url: Base URL for `openai:` targets; default `$OPENAI_BASE_URL`, else OpenAI's own.
        revision: What tells two checkpoints behind one name apart.
        api_key_env: Name of the environment variable that holds the key; default ALIGNMETER_API_KEY, else
            OPENAI_API_KEY, and where no URL is named only the latter.
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

    def given(self) -> frozenset[str]:
        """Names in `TAKEN_BY` of what is said here; of the sampling nothing, which always says something."""
        prompts = {"system_prompt": self.variant.system_prompt, "few_shot": self.variant.few_shot}
        named = {name: getattr(self, name) for name in TAKEN_BY if name in self.__struct_fields__}
        return frozenset(name for name, value in {**named, **prompts}.items() if value) - {"variant"}

    def for_kind(self, kind: str) -> TargetOptions:
        """Leave out what a kind of target has no use for, where others beside it may have one.

        A system prompt and examples stay, so that they are refused: systems with and without them differ.
        """
        untaken = {name for name in self.given() if kind not in TAKEN_BY[name]} & set(self.__struct_fields__)
        defaults = TargetOptions()
        return msgspec.structs.replace(self, **{name: getattr(defaults, name) for name in untaken})


def is_target_spec(text: str) -> bool:
    """Whether a text names a target: a kind with a colon, or alone where that is enough."""
    kind, colon, _ = text.partition(":")
    return kind in (KINDS if colon else BARE)


def resolve_target(spec: str, options: TargetOptions | None = None) -> Target:
    """Make the target that `spec` names; nothing is loaded or connected yet.

    Raises:
        InputError: The spec is not understood (names the nearest kind), a part of it is missing, or its
            kind has no use for an option.
    """
    options = options or TargetOptions()
    kind, _, rest = spec.partition(":")
    untaken = [name for name in sorted(options.given()) if kind not in TAKEN_BY[name]]
    if untaken and kind in KINDS:
        raise InputError(f"`{untaken[0]}=` {belongs(untaken[0], spec)}; leave it out")
    match kind:
        case "embedded":
            return _embedded(Path(rest) if rest else None, options)
        case "openai" if rest:
            return _openai(rest, options)
        case "python":
            return _python(spec, options)
        case "replay" if rest:
            return _replay(rest)
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


def belongs(name: str, *specs: str) -> str:
    """Say with which targets an option goes, and which came instead.

    Args:
        name: As in `TAKEN_BY`.
        specs: The targets, none of which has a use for it.
    """
    return f"{goes_with(name)}, got {' and '.join(dict.fromkeys(map(repr, specs)))}"


def goes_with(name: str) -> str:
    """Say with which targets an option goes."""
    *others, last = (form for kind, form in FORMS.items() if kind in TAKEN_BY[name])
    return f"goes with the targets {', '.join(others)} and {last}" if others else f"goes with a target {last}"


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

    # An empty URL is one that somebody meant to give: a variable of a script that is not set.
    url = options.url if options.url is not None else os.environ.get("OPENAI_BASE_URL") or None
    key = options.api_key_env
    return OpenAICompatible(
        OPENAI_URL if url is None else url,
        model,
        variant=options.variant,
        sampling=options.sampling,
        revision=options.revision,
        api_key_env=openai_key_variable() if url is None and key is None else key,
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


def _replay(run: str) -> Target:
    from alignmeter.targets.replay import Replay

    return Replay(Path(run))
