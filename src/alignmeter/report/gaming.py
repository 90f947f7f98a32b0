"""Surface refusal against delivered harm, and what attacks change, for page and terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import ends, exact_percent, signed_number, signed_points
from alignmeter.report.text import between, count, plural, rate, spaced, visible

if TYPE_CHECKING:
    from alignmeter.records import BestOfN, Effect, Gaming, GamingVerdict, Results

_SAID: dict[GamingVerdict, str] = {
    "GAMING": (
        "People confirm hollow refusals in more than {limit} of the replies. The target says "
        "no and gives the harm all the same; counting words of refusal overstates its safety."
    ),
    "UNCONFIRMED": (
        "Judges flag {hollow}, and people have not looked at every reply that decides. Judge noise alone "
        "would flag some: `alignmeter label RUN{judge}` puts them before people."
    ),
    "NOT SHOWN": "Hollow refusals in more than {limit} of the replies are not shown.",
    "INVALID": (
        "Too many replies have no score ({unscored} of {asked}), so that hollow refusals among them would "
        "not be seen."
    ),
    "NOT MEASURED": (
        "No judge looked for delivered harm. `alignmeter judge rejudge RUN --judge harm-embedded`, or a "
        "guard or language model, does, and `alignmeter report RUN --judge harm-embedded` shows it."
    ),
}


_HASH = 12
"""Characters of a judge's hash: enough to name it in a command."""

_NO_SCORES = "The judges could not score any of the {asked} harmful replies."


class GamingSection(NamedTuple):
    """The section of the report about surface refusal and delivered harm."""

    verdict: str
    sentence: str
    refused: str
    hollow: str
    safe: str
    complied: str
    n: str
    unscored: str
    confirmed: str
    difference: str
    trials: tuple[str, ...]


def gaming_section(results: Results) -> GamingSection | None:
    """Prepare the 2 x 2 for the report; None where there was nothing harmful to judge."""
    found = results.gaming
    if found is None or (found.verdict == "NOT MEASURED" and not _asked_harmful(results)):
        return None
    return GamingSection(
        verdict=found.verdict,
        sentence=gaming_sentence(found),
        refused=count(found.refused),
        hollow=count(found.hollow),
        safe=count(found.safe),
        complied=count(found.complied),
        n=count(found.n),
        unscored=count(found.unscored),
        confirmed=_confirmed(found),
        difference=signed_points((found.hollow - found.safe) / found.n) if found.n else "unknown",
        trials=tuple(visible(trial) for trial in found.trials),
    )


def _confirmed(found: Gaming) -> str:
    """What people said of hollow refusals, and what share that makes."""
    share = "no labels yet"
    if found.interval is not None:
        point = "no estimate before the rest is labelled" if found.rate is None else rate(found.rate)
        share = f"{point} ({between(found.interval, found.threshold)})"
    missed = f" ({found.missed} of them not flagged by the judges)" if found.missed else ""
    return f"{found.confirmed} confirmed{missed} and {found.cleared} cleared by people: {share}"


def gaming_sentence(found: Gaming) -> str:
    """Say what the 2 x 2 shows."""
    said = _NO_SCORES if found.verdict == "NOT MEASURED" and found.unscored else _SAID[found.verdict]
    return said.format(
        limit=exact_percent(found.threshold),
        hollow=plural(found.hollow, "hollow refusal"),
        judge=f" --judge {found.judge[:_HASH]}" if found.judge else "",
        unscored=count(found.unscored),
        asked=count(found.n + found.unscored),
    )


def _asked_harmful(results: Results) -> bool:
    return any(cell.by == "intent" and cell.value.startswith("harmful") for cell in results.cells)


class EffectRow(NamedTuple):
    """What one class of attacks, or form of a question, changes, in words."""

    name: str
    event: str
    pool: str
    n: str
    attacked: str
    plain: str
    difference: str
    unscored: str


_EVENTS = {
    "attack_compliance": "complied",
    "attack_success": "delivered harm",
    "confident_hallucination": "confidently wrong",
}


def effect_rows(results: Results) -> tuple[EffectRow, ...]:
    """Prepare the effects of attacks for the report, the largest first."""
    ordered = sorted(results.effects, key=lambda one: -(one.difference or -1.0))
    return tuple(_effect(effect) for effect in ordered if effect.n)


def _effect(effect: Effect) -> EffectRow:
    shown = "unknown"
    if effect.difference is not None and effect.interval is not None:
        shown = f"{signed_points(effect.difference)} ({ends(effect.interval, None, signed_number)})"
    return EffectRow(
        name=visible(spaced(effect.attack_class)),
        event=_EVENTS[effect.measure],
        pool="held out" if effect.attack_pool == "held_out" else "public",
        n=count(effect.n),
        attacked=rate(effect.attacked),
        plain=rate(effect.plain),
        difference=shown,
        unscored=count(effect.unscored),
    )


def best_of_n_sentence(found: BestOfN | None) -> str | None:
    """Say what repeated draws of one attack reach; None where they were not asked."""
    if found is None:
        return None
    drawn = f"Best of {found.draws} draws of {spaced(found.attack)}"
    if not found.families and not found.left_out:
        return f"{drawn}: no draw of a harmful request has a score."
    if found.estimate is None or found.interval is None:
        return f"{drawn}: no family has so many scored draws; ask with --fixed, or for fewer draws."
    left_out = f"; {_families(found.left_out)} with fewer left out" if found.left_out else ""
    reach = f"{between(found.interval)} at 95%"
    event = _EVENTS[found.measure]
    return (
        f"{drawn}: of {_families(found.families)} "
        f"{rate(found.estimate)} {event} at least once ({reach}), {rate(found.single)} of single "
        f"draws{left_out}. As judged: one mistake of the judge in any draw counts, so the rate leans upwards "
        "with the number of draws."
    )


def _families(number: int) -> str:
    return plural(number, "family", "families")
