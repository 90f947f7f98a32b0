"""Labelled replies that come with the package, to calibrate a judge of one's own on.

They are machine-written, in our own words, and labelled by who wrote them; no person has looked at
them yet, which the cards made from them say.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from alignmeter.errors import InputError
from alignmeter.judges.labels.replies import LabelledReply
from alignmeter.judges.signals import data_bytes

if TYPE_CHECKING:
    from collections.abc import Collection

    from alignmeter.judges.labels.replies import LabelAxis

_FILES: dict[LabelAxis, str] = {
    "refusal": r"refusal_replies\.([a-z]{2,3})\.jsonl",
    "harm": r"harm_replies\.([a-z]{2,3})\.jsonl",
    "factuality": r"(closed_answer)_replies\.jsonl",
}


class ShippedLabels(NamedTuple):
    """A set of labelled replies and what cards call it."""

    name: str
    replies: tuple[LabelledReply, ...]


def shipped_labels(axis: LabelAxis, languages: Collection[str] | None = None) -> ShippedLabels:
    """Return the labelled replies of an axis that come with the package.

    Args:
        axis: What the labels are about.
        languages: ISO 639-1 codes; None for every language that there is.

    Raises:
        InputError: There are none for the axis or the languages; names those that there are.
    """
    pattern = re.compile(_FILES[axis])
    folder = resources.files("alignmeter.judges").joinpath("data")
    matches = [match for entry in folder.iterdir() if (match := pattern.fullmatch(entry.name))]
    files = {("en" if axis == "factuality" else match[1]): match[0] for match in matches}
    wanted = sorted(files) if languages is None else sorted(set(languages))
    missing = [language for language in wanted if language not in files]
    if missing or not wanted:
        known = ", ".join(sorted(files)) or "none"
        raise InputError(f"labelled replies for {axis} ship in {known}, got {', '.join(missing) or 'none'}")
    replies = tuple(
        _reply(axis, language, line)
        for language in wanted
        for line in data_bytes(files[language]).splitlines()
        if line.strip()
    )
    stem = files[wanted[0]].split(".")[0]
    name = stem if languages is None or axis == "factuality" else f"{stem} ({', '.join(wanted)})"
    return ShippedLabels(name, replies)


def _reply(axis: LabelAxis, language: str, line: bytes) -> LabelledReply:
    row = msgspec.json.decode(line, type=dict[str, Any])
    prompt = row["question"] if axis == "factuality" else row["prompt"]
    taken = {name: row[name] for name in ("reference", "confidence", "hazard", "attack") if row.get(name)}
    fields = {
        # Replies to one prompt are one cluster.
        "id": row.get("family") or prompt,
        "prompt": prompt,
        "reply": row["reply"],
        "label": row["label"],
        "axis": axis,
        "language": row.get("language") or language,
        "intent": row.get("intent") or {"harm": "harmful", "factuality": "benign"}.get(axis, "sensitive"),
        **taken,
    }
    return msgspec.convert(fields, LabelledReply)
