"""Replies that a run would pay for and its judge could not read: known before the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.errors import MissingExtraError
from alignmeter.judges import LanguageBound
from alignmeter.records import Record

if TYPE_CHECKING:
    from alignmeter.api.judges_of_a_run import RunJudges
    from alignmeter.engine import Plan
    from alignmeter.records import Trial


class Unread(Record, frozen=True):
    """What a judge leaves without a score because of its language, whatever the target replies.

    Attributes:
        judge: Name of the judge.
        languages: Those that it does not read, in alphabetical order.
        trials, of: Trials of the plan in these languages, and all that it is to judge.
        claims: Ids of the claims that would be INVALID for want of scores, in the plan's order.
        chosen: Whether the user named the judge, instead of getting it by default.
        remedy: What makes it read them.
    """

    judge: str
    languages: tuple[str, ...]
    trials: int
    of: int
    claims: tuple[str, ...]
    chosen: bool
    remedy: str

    @property
    def sentence(self) -> str:
        """What would happen and what to do, in one line."""
        return (
            f"{self.judge} cannot read replies in {', '.join(self.languages)} here: {self.trials} of "
            f"{self.of} trials would have no score and their claims be INVALID; {self.remedy}, or name "
            "another judge"
        )


def unread_replies(made: Plan, judges: RunJudges) -> Unread | None:
    """Look for replies of a plan that the judge of their axis does not read.

    Args:
        made: The plan.
        judges: The judges that it was made with.

    Returns:
        None where each reply can be read. A panel, a cascade and a judge of one's own are taken to read all.
    """
    for axis, judge in judges.by_axis.items():
        if not isinstance(judge, LanguageBound):
            continue
        judged = [trial for trial in made.trials if trial.axis == axis]
        languages = {trial.language for trial in judged}
        remedies = {language: judge.unread(language) for language in sorted(languages)}
        unread = {language: remedy for language, remedy in remedies.items() if remedy is not None}
        if unread:
            lost = {trial.id: trial for trial in judged if trial.language in unread}
            return Unread(
                judge=judge.name,
                languages=tuple(unread),
                trials=len(lost),
                of=len(judged),
                claims=_invalid(made, lost),
                chosen=axis in judges.models,
                remedy=next(iter(unread.values())),
            )
    return None


def check_readable(made: Plan, judges: RunJudges) -> str | None:
    """Refuse a plan whose replies the built-in judge cannot read, before they are paid for.

    Whoever names a judge is not kept from using it: replies can be judged again later, elsewhere.

    Args:
        made: The plan.
        judges: The judges that it was made with.

    Returns:
        What people should be told where they named such a judge themselves; None where all is read.

    Raises:
        MissingExtraError: The judge was not asked for.
    """
    found = unread_replies(made, judges)
    if found is None:
        return None
    if found.chosen:
        return f"warning: {found.sentence}"
    raise MissingExtraError(
        f"{found.sentence} with `specs=`. Nothing was asked; `specs={found.judge}` asks all the same, to "
        "judge again later"
    )


def _invalid(made: Plan, lost: dict[str, Trial]) -> tuple[str, ...]:
    """The claims of which more units than may have no score hold a trial without one."""
    budget = made.design.unscored_budget
    return tuple(
        claim.id
        for claim in made.design.claims
        if sum(not lost.keys().isdisjoint(unit) for unit in claim.units) > budget * len(claim.units)
    )
