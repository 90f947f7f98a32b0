"""Named variants: a system prompt and few-shot examples in front of every conversation.

`embedded` and `embedded` behind a few-shot guard are two systems with two fingerprints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.files import text_lines
from alignmeter.identity import digest, text_digest
from alignmeter.records import Message, Record

if TYPE_CHECKING:
    from pathlib import Path


class Variant(Record, frozen=True):
    """What stands before the trial's own messages.

    Attributes:
        name: Name for reports, for example `guarded`.
        system_prompt: Text of the system message, or None.
        few_shot: Alternating user and assistant messages.
    """

    name: str | None = None
    system_prompt: str | None = None
    few_shot: tuple[Message, ...] = ()

    @property
    def system_prompt_digest(self) -> str | None:
        """SHA-256 of the system prompt, None where there is none."""
        return None if self.system_prompt is None else text_digest(self.system_prompt)

    @property
    def few_shot_digest(self) -> str | None:
        """SHA-256 of the examples, None where there are none."""
        return digest([[m.role, m.content] for m in self.few_shot]) if self.few_shot else None

    def apply(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Put system prompt and examples before `messages`; a second system message is merged.

        Many chat templates take one system message, at the start only.
        """
        own = [m for m in messages[:1] if m.role == "system"]
        rest = messages[len(own) :]
        system_texts = [text for text in (self.system_prompt, *(m.content for m in own)) if text]
        system = (Message(role="system", content="\n\n".join(system_texts)),) if system_texts else ()
        return (*system, *self.few_shot, *rest)


class VariantExample(Record, frozen=True, forbid_unknown_fields=True):
    """One few-shot example."""

    user: str
    assistant: str


def load_variant(
    *, name: str | None = None, system_prompt: Path | None = None, few_shot: Path | None = None
) -> Variant:
    """Read a variant from files.

    Args:
        name: Name for reports.
        system_prompt: UTF-8 text file.
        few_shot: JSONL file, one `{"user": ..., "assistant": ...}` a line.

    Raises:
        InputError: A file is missing, empty or a line is not as expected (names the line).
    """
    system_text = None
    if system_prompt is not None:
        system_text = _read(system_prompt, "system prompt").strip()
    messages: list[Message] = []
    if few_shot is not None:
        for number, line in text_lines(_read(few_shot, "few-shot")):
            try:
                example = msgspec.json.decode(line, type=VariantExample)
            except msgspec.MsgspecError as error:
                raise InputError(
                    f'{few_shot}:{number}: expected a line like {{"user": "...", "assistant": "..."}}, '
                    f"got {line[:60]!r} ({error})"
                ) from None
            messages.extend(_turns(example))
    return Variant(name=name, system_prompt=system_text, few_shot=tuple(messages))


def _turns(example: VariantExample) -> tuple[Message, Message]:
    return (
        Message(role="user", content=example.user),
        Message(role="assistant", content=example.assistant),
    )


class VariantFile(Record, frozen=True, forbid_unknown_fields=True):
    """A variant in one YAML file, as `run --variant FILE.yaml` takes it.

    Attributes:
        name: Name for reports.
        about: What the file is, for people; part of no digest.
    """

    name: str
    system_prompt: str | None = None
    few_shot: tuple[VariantExample, ...] = ()
    about: str | None = None


VARIANT_SUFFIXES = (".yaml", ".yml")
"""How the name of a variant file ends."""


def read_variant(path: Path) -> Variant:
    """Read a variant from a YAML file with `name` and `system_prompt`, `few_shot` or both.

    Raises:
        InputError: The file is missing or not as expected.
    """
    import yaml

    text = _read(path, "variant")
    try:
        found = msgspec.convert(yaml.safe_load(text), VariantFile)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{path}: expected a YAML file with name, system_prompt and few_shot, got: {reason}"
        ) from None
    prompt = (found.system_prompt or "").strip()
    few_shot = tuple(turn for example in found.few_shot for turn in _turns(example))
    return Variant(name=found.name, system_prompt=prompt or None, few_shot=few_shot)


def _read(path: Path, what: str) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{what} file {str(path)!r} does not exist; give the path of a UTF-8 file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} file {str(path)!r} cannot be read as UTF-8 text: {error}") from None
    if not text.strip():
        raise InputError(f"{what} file {str(path)!r} is empty; write the text or leave the option out")
    return text
