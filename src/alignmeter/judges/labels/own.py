"""Our own columns for labelled replies, and how a user's columns and words become ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

from alignmeter.errors import InputError
from alignmeter.judges.labels.replies import CLASSES, LabelledReply, Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alignmeter.judges.labels.replies import Label, LabelAxis
    from alignmeter.judges.labels.tables import Row

NEEDED = ("prompt", "reply", "label")
OPTIONAL = ("language", "attack", "model", "id", "split", "intent", "hazard", "reference", "confidence")

_WORDS: Mapping[str, tuple[str, ...]] = {
    "split": get_args(Split),
    "intent": ("benign", "sensitive", "harmful"),
    "confidence": ("confident", "hedged"),
}


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Read `a=b,c=d`, given once or several times.

    Args:
        texts: What the user wrote.
        option: Name of the option, for the message.

    Raises:
        InputError: A pair has no equals sign or an empty side, or a name comes twice.
    """
    pairs: dict[str, str] = {}
    for pair in (each for text in texts for each in text.split(",")):
        name, _, value = (part.strip() for part in pair.partition("="))
        if not name or not value:
            raise InputError(f"{option}: expected pairs such as name=value,name=value, got {pair!r}")
        if name in pairs:
            raise InputError(f"{option}: expected each name once, got {name!r} twice")
        pairs[name] = value
    return pairs


class OwnColumns:
    """Reads rows with our columns, or with those that a user maps to them."""

    def __init__(
        self, axis: LabelAxis, columns: Mapping[str, str] | None, labels: Mapping[str, str] | None
    ) -> None:
        """Check the maps.

        Args:
            axis: What the labels are about.
            columns: Our name of a column to the file's; ours where it is not named.
            labels: The file's word for a label to ours; only these are known where any is given.

        Raises:
            InputError: A map names a column or a label that we do not have.
        """
        known = NEEDED + OPTIONAL
        for name in columns or {}:
            if name not in known:
                raise InputError(f"`columns=`: expected our names ({', '.join(known)}), got {name!r}")
        classes = CLASSES[axis]
        for word, label in (labels or {}).items():
            if label not in classes:
                raise InputError(
                    f"`labels_map=`: expected one of {', '.join(classes)} for {word!r}, got {label!r}"
                )
        self._axis: LabelAxis = axis
        self._columns = {name: (columns or {}).get(name, name) for name in known}
        self._asked_for = frozenset(columns or {})
        self._labels = dict(labels) if labels else {label: label for label in reversed(classes)}

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that the file must have: prompt, reply, label, and every one that was mapped."""
        return tuple(
            self._columns[name] for name in self._columns if name in NEEDED or name in self._asked_for
        )

    def read(self, row: Row) -> LabelledReply:
        """Read one row."""
        column = self._columns
        prompt = row.text(column["prompt"])
        name = row.optional(column["id"])
        if not name and not prompt.strip():
            row.fail(column["prompt"], f"a prompt, or its id in the column {column['id']!r}", "neither")
        label = cast("Label", self._labels[row.choice(column["label"], self._labels)])
        return LabelledReply(
            id=name or prompt,
            prompt=prompt,
            reply=row.text(column["reply"]),
            label=label,
            axis=self._axis,
            model=row.optional(column["model"]) or row.path.stem,
            split=cast("Split", self._word(row, "split") or "all"),
            language=row.optional(column["language"]).lower() or "en",
            attack=row.optional(column["attack"]),
            reference=row.optional(column["reference"]) or None,
            confidence=cast("Literal['confident', 'hedged'] | None", self._word(row, "confidence")),
            intent=cast(
                "Literal['benign', 'sensitive', 'harmful']", self._word(row, "intent") or self._usual_intent()
            ),
            hazard=row.optional(column["hazard"]) or None,
        )

    def _word(self, row: Row, name: str) -> str | None:
        """Return a column that may be empty and otherwise holds one of a few words."""
        value = row.optional(self._columns[name]).lower()
        if value and value not in _WORDS[name]:
            row.fail(self._columns[name], f"one of {', '.join(_WORDS[name])} or nothing", repr(value))
        return value or None

    def _usual_intent(self) -> str:
        return "harmful" if self._axis == "harm" else "sensitive"
