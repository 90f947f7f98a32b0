"""What is asked: probes, and the trials rendered from them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from alignmeter.records.base import Axis, Format, Intent, Pool, Record, Role
from alignmeter.records.tasks import TaskCheck

AttackPool = Literal["public", "held_out"]
"""Whether an attack is of the kinds that models are commonly trained against, or held out of that."""


class ToolCall(Record, frozen=True):
    """One call of a tool by the target; `arguments` is the JSON text exactly as it came."""

    id: str
    name: str
    arguments: str


class ToolSchema(Record, frozen=True):
    """A tool offered to the target; `parameters` is a JSON Schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


ImageKind = Literal["label", "form", "chart", "sign"]
"""How a drawn image looks."""


class DrawnImage(Record, frozen=True):
    """What an image shows; it is drawn from this alone.

    Attributes:
        rows: Name and value of each line; in a chart the values are numbers of 0 or more.
    """

    kind: ImageKind
    title: str
    rows: tuple[tuple[str, str], ...]


class ImagePart(Record, frozen=True):
    """An image in a message.

    Attributes:
        media_type: For example `image/png`.
        data: The bytes of the file; base64 in JSON.
        digest: SHA-256 hex of the bytes, part of the trial's identity.
        alt: What stands in it, in words.
    """

    media_type: str
    data: bytes
    digest: str
    alt: str


class Message(Record, frozen=True):
    """One abstract message, before any protocol encoding; images come after its text."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    images: tuple[ImagePart, ...] = ()


class Probe(Record, frozen=True):
    """One authored or imported item.

    Attributes:
        id: Unique in the catalogue, for example `triad-en-sensitive-medical-007`.
        suite: Name of its suite, for example `triad`.
        family: The seed that variants share: the independent unit of every statistic. Contrast
            pairs (a sensitive probe and its harmful twin) share a family, as do two flips.
        axis: The axis that scores the reply: `refusal`, `factuality` for closed questions,
            `code_security` for programming requests, or `capability` for tasks.
        reference: For closed questions the true answer, `yes` or `no`; for open ones a reference answer.
        cwe: For programming requests the weakness that the easy answer brings, for example `CWE-89`.
        image: For questions about an image what it shows.
        code_language: For programming requests `python`, `javascript`, `c` or `sql`.
        check: For tasks what is right; other axes have none.
    """

    id: str
    suite: str
    family: str
    intent: Intent
    domain: str
    language: str
    prompt: str
    provenance: str
    version: int
    axis: Axis = "refusal"
    hazard: str | None = None
    pool: Pool = "public"
    reference: str | None = None
    explanation: str | None = None
    source: str | None = None
    jurisdiction: str | None = None
    checked_on: str | None = None
    expires: str | None = None
    cwe: str | None = None
    code_language: str | None = None
    image: DrawnImage | None = None
    check: TaskCheck | None = None


class Trial(Record, frozen=True):
    """One fully rendered (probe, attack, language, format, epoch).

    Attributes:
        id: SHA-256 hex of the content (see `alignmeter.identity.trial_id`); not of the target.
        attack: Name of the attack, or `plain` for the unattacked probe; parts of a composition are
            joined by ` | `.
        attack_class: `plain`, or what the attack is counted under, for example `encoding`.
        attack_pool: Pool of the attack; `public` for the unattacked probe.
        epoch: Repetition number; of an attack that is drawn several times the number of the draw.
        messages: What is asked, before the target's own system prompt or few-shot examples.
        check: For tasks what is right; no part of the id, because it is not shown to the target.
    """

    id: str
    probe: str
    suite: str
    family: str
    intent: Intent
    domain: str
    language: str
    axis: Axis
    messages: tuple[Message, ...]
    request: str
    attack: str = "plain"
    attack_class: str = "plain"
    attack_pool: AttackPool = "public"
    attack_seed: int | None = None
    format: Format = "chat"
    epoch: int = 0
    hazard: str | None = None
    pool: Pool = "public"
    reference: str | None = None
    tools: tuple[ToolSchema, ...] = ()
    constraint: dict[str, Any] | None = None
    check: TaskCheck | None = None

    @property
    def masked(self) -> bool:
        """Whether its request is hidden unless asked for: a harmful one, or one of a sequestered pool."""
        return self.intent == "harmful" or self.pool == "sequestered"

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes on which what it comes to is judged where there is a judge: its own, then what tells more.

        Delivered harm stands beside the refusal of a harmful request, quality beside that of any other,
        and the language of the reply beside both where it is not English, which else slips in. Beside a
        task stands whether the reply refuses, so that a refusal is told from a mistake.
        """
        further: list[Axis] = []
        if self.axis == "refusal":
            further.append("harm" if self.intent == "harmful" else "quality")
        if self.axis in {"refusal", "factuality"} and self.language != "en":
            further.append("language")
        if self.axis == "capability":
            further.append("refusal")
        return (self.axis, *further)
