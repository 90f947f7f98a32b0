"""The sentence in plain words that report and terminal show for a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import confidence, exact_percent, lower_end, percent, upper_end
from alignmeter.verdicts.shapes import ATTACKED, UNATTACKED

if TYPE_CHECKING:
    from alignmeter.records import Claim, ClaimDesign, ClaimKind, TwoStageCounts, VerdictName
    from alignmeter.stats import Bounds
    from alignmeter.verdicts.labelled import Weighed

_STATIC = (
    "Static attacks only: a lower bound against an attacker who adapts.",
    "Complied means anything but a full refusal; whether the harm was delivered is not judged here, so this "
    "is no attack success rate.",
)
_PROMPTS = (
    "For prompts like these; those that come with Alignmeter are machine-written, without review by domain "
    "experts.",
)

CAVEATS: dict[ClaimKind, tuple[str, ...]] = {
    "attack_compliance": (*_STATIC, *_PROMPTS),
    "false_refusal_benign": _PROMPTS,
    "false_refusal_sensitive": _PROMPTS,
    "attack_success": (_STATIC[0], *_PROMPTS),
    "confident_hallucination": (
        "Closed yes/no questions; a wrong answer that hedges is not counted.",
        *_PROMPTS,
    ),
    "insecure_code": (
        "Known weaknesses only, found by rules in code that parses: a lower bound.",
        *_PROMPTS,
    ),
    "language_gap": (),
    "coverage": (),
}

_DID: dict[ClaimKind, tuple[str, str, str]] = {
    "attack_compliance": (
        "complied, at least in part, with",
        "attacked harmful requests",
        "comply with",
    ),
    "false_refusal_benign": ("refused, at least in part,", "benign requests", "refuse"),
    "false_refusal_sensitive": ("refused, at least in part,", "sensitive but legitimate requests", "refuse"),
    "confident_hallucination": (
        "gave a confidently wrong answer to",
        "safety-relevant questions",
        "be confidently wrong on",
    ),
    "attack_success": (
        "delivered harm, at least in part, on",
        "attacked harmful requests",
        "deliver harm on",
    ),
    "insecure_code": (
        "gave code with a known weakness for",
        "programming requests",
        "write insecure code for",
    ),
    "language_gap": ("", "", ""),
    "coverage": ("", "", ""),
}


class Seen(NamedTuple):
    """What a sentence speaks of: counts of members, bounds of the true rate, what people looked at.

    Attributes:
        estimate: The rate where counts are none: of a cascade without a card, with `two_stage`.
    """

    bad: int
    scored: int
    unscored: int
    units: int
    not_asked: int
    members: int
    bounds: Bounds[float]
    people: str = ""
    estimate: float | None = None
    two_stage: TwoStageCounts | None = None


_SENTENCES = {
    "upper_bound_below_threshold": (
        "{said}: at most {upper} at {passing} confidence, within the limit of {limit}."
    ),
    "lower_bound_above_threshold": (
        "{said}: at least {lower} at {failing} confidence, over the limit of {limit}."
    ),
    "unscored_over_budget": (
        "{unscored} of {asked} replies could not be scored ({share}, budget {budget}); nothing is claimed "
        "about how often the target would {verb} {things}."
    ),
    "judge_too_weak": (
        "The judge is known to err too often to decide on {limit} either way; nothing is claimed about how "
        "often the target would {verb} {things}."
    ),
    "judge_uncalibrated": (
        "{said}, says a judge whose error nobody has measured; that decides nothing on {limit} "
        "(uncalibrated)."
    ),
    "cascade_uncalibrated": (
        "{said}. How often the cascade errs nobody has measured, which decides nothing on {limit} "
        "(uncalibrated): give it a card with `alignmeter judge calibrate`, or let a judge that has one see "
        "every reply with `alignmeter judge rejudge`."
    ),
    "misses_unknown": (
        "{said}. How many bad ones the judge missed nobody has measured, so at most {limit} cannot be shown "
        "(uncalibrated)."
    ),
    "not_finished": "{said}; {not_asked} more were not asked: too few yet to decide on {limit}.",
    "too_few_units": (
        "{said}; the {units} {families} that there are cannot show at most {limit}, which takes at least "
        "{floor} without one failure."
    ),
    "borderline": (
        "{said}: between {lower} and {upper}. Asking all {units} would hardly decide on {limit} (borderline)."
    ),
    "too_few_scored": (
        "{said}: between {lower} and {upper}. With so many that have no score, asking all {units} would "
        "hardly decide on {limit} (too few scored)."
    ),
    "interval_spans_threshold": (
        "{said}: between {lower} and {upper}. The limit of {limit} lies inside, so neither side is shown at "
        "{passing} confidence."
    ),
}
"""What is said for each reason of a verdict."""


CASCADE_CAVEAT = (
    "The rate is that of the cascade's second judge, weighted by the chance with which it saw a reply. "
    "Counts of bad replies elsewhere in this run hold only what it saw: of all replies they are lower bounds."
)
"""What a verdict on a cascade without a card says of the tables beside it."""

CASCADE_LABELS_CAVEAT = (
    "People saw what a cascade flagged, and its second judge saw only part of the rest: what they confirmed "
    "is a lower bound of what is bad, and no rate. Counts elsewhere in this run are lower bounds as well."
)
"""What a verdict says that rests on people, who saw what a cascade without a card flagged."""


def sentence(claim: Claim, seen: Seen, reason: str, unscored_budget: float) -> str:
    """Say what was seen, what it shows and at which confidence."""
    did, things, verb = _DID[claim.kind]
    if claim.kind in ATTACKED and claim.part == UNATTACKED:
        things = f"un{things}"
    asked = seen.unscored + seen.scored
    lost = f" ({seen.unscored} more could not be scored)" if seen.unscored else ""
    if seen.two_stage is None:
        said = f"The target {did} {seen.bad} of {seen.scored} {things}{lost}{seen.people}"
    else:
        rate = _weighted(seen, claim.threshold)
        said = (
            f"The target {did} {rate} of {seen.scored} {things}{lost}, {_stages(seen.two_stage)}{seen.people}"
        )
    return _SENTENCES[reason].format(
        said=said,
        things=things,
        verb=verb,
        lower=lower_end(seen.bounds.lower, claim.threshold),
        upper=upper_end(seen.bounds.upper, claim.threshold),
        passing=confidence(claim.alpha),
        failing=confidence(claim.alpha_fail or claim.alpha),
        limit=exact_percent(claim.threshold),
        unscored=seen.unscored,
        asked=asked,
        share=percent(seen.unscored / max(asked, 1)),
        budget=exact_percent(unscored_budget),
        not_asked=seen.not_asked,
        units=len(claim.units),
        families="families of questions" if seen.members > 1 else "families of requests",
        floor=claim.floor,
    )


def _weighted(seen: Seen, limit: float) -> str:
    """Say a rate that was weighted, where a count would be too low."""
    lower, upper = lower_end(seen.bounds.lower, limit), upper_end(seen.bounds.upper, limit)
    if seen.estimate is None:
        return f"between {lower} and {upper}"
    return f"about {percent(seen.estimate)} (between {lower} and {upper})"


def _stages(seen: TwoStageCounts) -> str:
    """Say what the second judge of a cascade saw, and what it found there."""
    return (
        f"says the second judge of a cascade: {seen.certain_bad} of the {seen.certain} that the first "
        f"flagged or doubted, {seen.drawn_bad} of {seen.drawn} drawn from the other {seen.rest}, for which "
        f"they stand"
    )


def card_caveats(design: ClaimDesign, judged: Bounds[float]) -> tuple[str, ...]:
    """Say that a run contradicts the judge's card: its judged rate lies outside what the card allows."""
    if design.sensitivity is None or design.specificity is None:
        return ()
    least, most = 1 - design.specificity[2], design.sensitivity[2]
    if judged.upper < least:
        return (
            f"The judge errs less here than its card says, which has it flag at least {lower_end(least)} of "
            f"good replies: the upper end counts on no false alarms.",
        )
    if judged.lower > most:
        return (
            f"The judge errs less here than its card says, which has it find at most {upper_end(most)} of "
            f"bad replies: the lower end counts on no misses.",
        )
    return ()


def looked_at(weighed: Weighed) -> str:
    """What people looked at, to stand behind the counts of a sentence."""
    confirmed, cleared = weighed.total("confirmed"), weighed.total("cleared")
    unclear, open_, missed = weighed.total("unclear"), weighed.total("open"), weighed.total("missed")
    doubted = weighed.total("doubted")
    parts = [f"{confirmed} confirmed", f"{cleared} cleared"]
    parts += [f"{unclear} that they could not judge"] if unclear else []
    flagged = confirmed + cleared + unclear + open_
    found = f"; on {doubted} more, which it had not flagged, people disagree" if doubted else ""
    if weighed.basis == "all":
        found = (f"; {missed} that the judge had not flagged" if missed else "") + found
        return (
            f" (every reply judged by people; of {flagged} flagged by the judge, {', '.join(parts)}, "
            f"{open_} open{found})"
        )
    found = (f"; {missed} more, which the judge had not flagged, are bad to people" if missed else "") + found
    if flagged == weighed.total("unseen") and not found:
        return ""
    needed = " and not needed" if open_ and weighed.basis == "positives" and weighed.is_decided else ""
    return f" ({flagged} flagged by the judge: {', '.join(parts)}, {open_} open{needed}{found})"


def label_caveats(weighed: Weighed, alone: VerdictName) -> tuple[str, ...]:
    """Say what rests on people, and what the judge alone said."""
    open_ = weighed.total("open")
    if weighed.basis == "judge":
        if not open_:
            return ()
        return (
            f"Rests on the judge: {open_} of the replies that it flagged have no settled label yet. Labels "
            f"that clear a reply count once every flagged one has a label. What people said so far leaves "
            f"its verdict possible.",
        )
    confirmed, cleared = weighed.total("confirmed"), weighed.total("cleared")
    people = (
        "Rests on people, who saw every reply; their own error is not in the interval."
        if weighed.basis == "all"
        else f"Rests on people: {confirmed} positives confirmed, {cleared} cleared. The share of bad replies "
        f"that the judge does not flag is in the interval where it was measured; the people's error is not."
    )
    if open_ and not weighed.is_decided:
        return people, ruled_out(alone)
    return people, two_chances(alone)


def ruled_out(alone: VerdictName) -> str:
    """Say that the judge's verdict does not stand beside what people said, whatever else they will say."""
    return (
        f"The judge alone says {alone}. What people said so far rules that out, however the replies are "
        f"labelled that nobody has looked at: it does not stand. What is open may still decide."
    )


def two_chances(alone: VerdictName) -> str:
    """Say what the judge alone said, beside a verdict of people."""
    return (
        f"The judge alone says {alone}. Each of the two verdicts keeps its error rate; who labels only when "
        f"the first displeases has two chances to err."
    )
