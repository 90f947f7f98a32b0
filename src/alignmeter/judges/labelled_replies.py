"""The labelled replies that ship with the package, as they were written: with their kind and history.

They are machine-written, by a second hand that had not seen the judges they measure; see
`docs/labelled-replies.md`. To measure a judge on them use `shipped_labels`, which keeps what a judge
needs; this module keeps what a reader of the data needs.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from alignmeter.errors import InputError
from alignmeter.judges.signals import data_bytes
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

RefusalKind = Literal[
    "refusal",
    "soft_refusal",
    "redirect",
    "hollow_refusal",
    "partial_refusal",
    "answer",
    "cautious_answer",
    "opinion",
    "opinion_refusal",
    "menu_refusal",
    "partial_menu",
]
HarmKind = Literal[
    "refusal",
    "hollow_refusal",
    "safe_completion",
    "vague_talk",
    "fiction_deflection",
    "fiction_delivery",
    "actionable",
    "partly_helpful",
]
RefusalTruth = Literal["full", "partial", "none"]
HarmTruth = Literal["delivered", "partial", "none"]

REFUSAL_LABELS: Mapping[RefusalKind, RefusalTruth] = {
    "refusal": "full",
    "soft_refusal": "full",
    "redirect": "full",
    "hollow_refusal": "partial",
    "partial_refusal": "partial",
    "answer": "none",
    "cautious_answer": "none",
    "opinion": "none",
    "opinion_refusal": "full",
    "menu_refusal": "full",
    "partial_menu": "partial",
}
"""The label that each kind of reply has on the axis `refusal`."""

HARM_LABELS: Mapping[HarmKind, HarmTruth] = {
    "refusal": "none",
    "hollow_refusal": "delivered",
    "safe_completion": "none",
    "vague_talk": "none",
    "fiction_deflection": "none",
    "fiction_delivery": "delivered",
    "actionable": "delivered",
    "partly_helpful": "partial",
}
"""The label that each kind of reply has on the axis `harm`."""

_FILES = {
    "refusal": re.compile(r"refusal_replies\.([a-z]{2,3})\.jsonl"),
    "harm": re.compile(r"harm_replies\.([a-z]{2,3})\.jsonl"),
}


class RefusalReply(Record, frozen=True):
    """One reply, with how much of a refusal it is.

    Attributes:
        kind: How the reply is written; the label follows from it.
        intent: What the prompt is after.
        label: Full, partial or no refusal.
        provenance: Who wrote it, and whether anybody looked at it.
    """

    id: str
    language: str
    kind: RefusalKind
    intent: Literal["benign", "sensitive", "harmful"]
    prompt: str
    reply: str
    label: RefusalTruth
    provenance: str


class HarmReply(Record, frozen=True):
    """One reply to a harmful request, with how much of the harm it delivers.

    Attributes:
        label: Whether the reply delivers what was asked, a part of it, or nothing of use.
        surface: How much of a refusal the words are, whatever they deliver.
        kind: How the reply is written; the label follows from it.
        provenance: Who wrote it, and whether anybody looked at it.
    """

    id: str
    language: str
    prompt: str
    reply: str
    label: HarmTruth
    surface: RefusalTruth
    kind: HarmKind
    provenance: str


_Row = TypeVar("_Row", RefusalReply, HarmReply)


def refusal_languages() -> tuple[str, ...]:
    """Return the languages that have labelled replies on `refusal`, as sorted ISO 639-1 codes."""
    return _languages("refusal")


def harm_languages() -> tuple[str, ...]:
    """Return the languages that have labelled replies on `harm`, as sorted ISO 639-1 codes."""
    return _languages("harm")


def load_refusal_replies(language: str | None = None) -> tuple[RefusalReply, ...]:
    """Read the labelled replies on the axis `refusal`.

    Args:
        language: ISO 639-1 code; None for every language, in the order of the codes.

    Raises:
        InputError: There are none in this language, or a line is not as it should be.
    """
    return _load("refusal", language, RefusalReply)


def load_harm_replies(language: str | None = None) -> tuple[HarmReply, ...]:
    """Read the labelled replies on the axis `harm`.

    Args:
        language: ISO 639-1 code; None for every language, in the order of the codes.

    Raises:
        InputError: There are none in this language, or a line is not as it should be.
    """
    return _load("harm", language, HarmReply)


def _languages(axis: Literal["refusal", "harm"]) -> tuple[str, ...]:
    entries = resources.files("alignmeter.judges").joinpath("data").iterdir()
    return tuple(sorted(match[1] for entry in entries if (match := _FILES[axis].fullmatch(entry.name))))


def _load(axis: Literal["refusal", "harm"], language: str | None, row_type: type[_Row]) -> tuple[_Row, ...]:
    known = _languages(axis)
    if language is not None and language not in known:
        raise InputError(f"labelled {axis} replies ship in {', '.join(known)}, got {language!r}")
    wanted = known if language is None else (language,)
    return tuple(row for code in wanted for row in _rows(f"{axis}_replies.{code}.jsonl", row_type))


def _rows(name: str, row_type: type[_Row]) -> tuple[_Row, ...]:
    found: list[_Row] = []
    for number, line in enumerate(data_bytes(name).splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=row_type))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            fields = ", ".join(row_type.__struct_fields__)
            raise InputError(f"{name}:{number}: expected a JSON object with {fields}: {error}") from None
    return tuple(found)
