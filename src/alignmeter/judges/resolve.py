"""From what a user writes to a judge: `refusal-rules`, `llm:RUBRIC@TARGET`, `python:MODULE:NAME` ...

Whoever calls makes and opens the targets; nothing is loaded or connected here.
"""

from __future__ import annotations

import difflib
from functools import partial
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from alignmeter.errors import InputError
from alignmeter.judges.capability import Capability
from alignmeter.judges.cascade import Cascade
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.judges.guards import GuardJudge
from alignmeter.judges.harm_embedded import HarmEmbedded
from alignmeter.judges.llm import LlmJudge, load_rubric
from alignmeter.judges.own import PREFIX, named_judge, own_judge
from alignmeter.judges.refusal_embedded import RefusalEmbedded
from alignmeter.judges.refusal_rules import RefusalRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alignmeter.judges.base import Judge
    from alignmeter.judges.guards import GuardAxis, GuardFamily
    from alignmeter.targets.base import Target


class OpenTarget(Protocol):
    """Makes the target that a spec names, or takes over one that a judge of the user's brings.

    Whoever calls `resolve_judge` enters and leaves it.
    """

    def __call__(self, spec: str | Target, /) -> Target:
        """Return the target, not yet opened."""
        ...


BUILT_IN: Mapping[str, Callable[[], Judge]] = {
    "refusal-rules": RefusalRules,
    "refusal-embedded": RefusalEmbedded,
    "closed-answer": ClosedAnswer,
    "harm-embedded": HarmEmbedded,
    "capability": Capability,
}
"""Judges that need no model, by name."""

FORMS = (
    "llm:RUBRIC@TARGET",
    "guard:FAMILY@TARGET",
    "guard:FAMILY:refusal@TARGET",
    "cascade:FIRST>SECOND",
    "python:MODULE:NAME",
)
"""How the others are written; TARGET is what `--target` takes."""

_CASCADE = "cascade:"
_TARGET = "@"


def resolve_judge(
    spec: str | Judge,
    *,
    open_target: OpenTarget | None = None,
    seed: int = 0,
    independent: Callable[[Target], bool] = lambda _: True,
) -> Judge:
    """Make the judge that `spec` names.

    Args:
        spec: A built-in name; `llm:RUBRIC@TARGET` with the id or the path of a rubric;
            `guard:FAMILY@TARGET`, for refusal `guard:FAMILY:refusal@TARGET`; `python:MODULE:NAME` for a
            judge of the user's; `cascade:FIRST>SECOND` with two of these; or a judge as an object.
        open_target: Makes the target that follows the first `@`; the caller opens and closes it.
            Without it, judges that need a model are refused.
        seed: Seed of a cascade's sample: the design seed of the run.
        independent: Asked of each target that was made: whether it is another model than the one judged.

    Raises:
        InputError: The spec is not understood; lists what is known and names the nearest.
    """
    if not isinstance(spec, str):
        return own_judge(spec, partial(_opened, "of your own", open_target), independent)
    text = spec.strip()
    if text in BUILT_IN:
        return BUILT_IN[text]()
    if text.startswith(_CASCADE):
        first, second = _stages(text)
        if not second or second.startswith(_CASCADE):
            _refuse(spec)
        return Cascade(
            resolve_judge(first, open_target=open_target, seed=seed, independent=independent),
            resolve_judge(second, open_target=open_target, seed=seed, independent=independent),
            seed=seed,
        )
    if text.startswith(PREFIX):
        return named_judge(text, partial(_opened, repr(text), open_target), independent)
    kind, _, rest = text.partition(":")
    what, mark, target_spec = rest.partition(_TARGET)
    if kind not in {"llm", "guard"} or not what or not mark or not target_spec:
        _refuse(spec)
    if kind == "llm":
        rubric = load_rubric(what)
        target = _opened(repr(spec), open_target, target_spec)
        return LlmJudge(target, rubric, independent=independent(target))
    family, _, axis = what.partition(":")
    target = _opened(repr(spec), open_target, target_spec)
    return GuardJudge(
        target,
        cast("GuardFamily", family),
        cast("GuardAxis", axis or "harm"),
        independent=independent(target),
    )


def _stages(text: str) -> tuple[str, str]:
    """The specs of a cascade's two judges, the second empty where it is missing."""
    first, _, second = text.removeprefix(_CASCADE).partition(">")
    return first, second


def _opened(judge: str, open_target: OpenTarget | None, target: str | Target) -> Target:
    if open_target is None:
        raise InputError(f"the judge {judge} asks a model, and none can be reached here: use a built-in one")
    return open_target(target)


def _refuse(spec: str) -> NoReturn:
    near = difflib.get_close_matches(spec, BUILT_IN, n=1)
    hint = f"; nearest: {near[0]!r}" if near else ""
    raise InputError(f"unknown judge {spec!r}{hint}; expected {', '.join(BUILT_IN)}, {' or '.join(FORMS)}")
