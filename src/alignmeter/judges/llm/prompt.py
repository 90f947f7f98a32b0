"""From a rubric, a trial and a reply to the messages that are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.llm.fence import fence_code, fenced, neutralised
from alignmeter.judges.llm.rubrics import PLACEHOLDER, frame
from alignmeter.records import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.judges.llm.rubrics import Field, Rubric
    from alignmeter.records import Trial


class Prompt(NamedTuple):
    """What a judge is sent about one reply.

    Attributes:
        system, user: The two messages.
        whole: Whether the judge sees the reply from its first to its last character.
        material: The texts that stand between the markers.
    """

    system: str
    user: str
    whole: bool
    material: tuple[str, ...]

    def messages(self, fault: str | None = None) -> tuple[Message, ...]:
        """Return the messages, with a `fault` those of the second attempt.

        What the judge wrote at first is not shown to it again: it may quote the reply, and would
        stand outside the fence.
        """
        user = self.user if fault is None else f"{self.user}\n\n{_fill(frame().repair, {'fault': fault})}"
        return (Message(role="system", content=self.system), Message(role="user", content=user))


def render(rubric: Rubric, trial: Trial, reply: str, *, cut: bool, seed: int, limit: int) -> Prompt:
    """Write the prompt for one reply.

    Args:
        rubric: What to ask.
        trial: What the target was asked; its request, reference and hazard are filled in.
        reply: The reply as it came.
        cut: Whether it broke off at the token limit.
        seed: Seed of the fence.
        limit: Characters of each text that are shown at the most.
    """
    around = frame()
    texts = {"request": trial.request, "reply": reply, "reference": trial.reference or ""}
    plain = {name: neutralised(text) for name, text in texts.items() if name in rubric.placeholders()}
    code = fence_code(seed, plain.values())
    parts = {
        name: fenced(name.upper(), text, code, limit=limit, omitted=around.omitted)
        for name, text in plain.items()
    }
    parts["hazard"] = rubric.hazards.get(trial.hazard or "", "")
    blocks = [_fill(rubric.task, parts)]
    if cut:
        blocks.append(around.cut.strip())
    lines = "\n".join(_field_line(field) for field in rubric.fields)
    blocks.append(_fill(around.closing, {"code": code, "fields": lines}))
    return Prompt(
        system=around.system.strip(),
        user="\n\n".join(blocks),
        whole=len(plain["reply"]) <= limit,
        material=tuple(plain.values()),
    )


def _fill(text: str, parts: Mapping[str, str]) -> str:
    """Fill placeholders in one pass, so that braces in what is filled in stay what they are."""
    return PLACEHOLDER.sub(lambda match: parts.get(match.group(1), match.group()), text).strip()


def _field_line(field: Field) -> str:
    return f'- "{field.name}": {allowed(field)}; {field.description}'


def allowed(field: Field) -> str:
    """Say in words what a field may hold."""
    if field.kind == "boolean":
        return "true or false"
    if field.kind == "string":
        words = " or ".join(f'"{value}"' for value in field.values)
        return f"one of {words}" if words else "a text"
    noun = "a whole number" if field.kind == "integer" else "a number"
    return f"{noun} from {field.minimum:g} to {field.maximum:g}"
