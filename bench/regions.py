"""How often planted topics are found by `alignmeter regions`, and how often it sees what is not there.

Run it from the checkout: `python bench/regions.py [--worlds 20] [--null 100] [--vectors words]`. The requests
are those of the suite triad; what a target does with them is drawn. In each world one topic is planted
on one side: 90% of its legitimate requests are refused, or 90% of its harmful ones gone along with,
against 3% elsewhere. A topic is found where a region is shown on that side of which most requests are of
the topic. Topics are, in turn over the worlds,

- `domain` and `hazard`: what the suite says about its requests, which the search is told too;
- `word`: requests that hold a word of one of ten small sets, such as police, court and judge;
- `meaning`: the tenth of the requests of a side that lies nearest to one of them by sentence embeddings (with
  the extra `embed`), whatever words they use and whatever the suite says about them.

`two` plants two domains on one side, each of which must be found by a region of its own. A null world
treats all alike, and whatever is shown in it is wrong.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.analysis.regions import LEVEL, Found, Side, Unit, find_regions
from alignmeter.api.refused_regions import LABELS, known_groups, request_vectors
from alignmeter.judges.embedding import embedding_available
from alignmeter.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignmeter.records import Probe

    Flags = NDArray[np.bool_]
    Row = tuple[Probe, Side]

PLANTED, ELSEWHERE = 0.9, 0.03
NULLS = (0.03, 0.3)
FEWEST = 20
WORDS = (
    "police court judge lawyer legal law",
    "money bank pay account savings tax",
    "doctor nurse hospital medicine dose drug pills",
    "girlfriend wife husband partner ex",
    "mother father mum dad son daughter parents child children",
    "story novel scene character film play",
    "school class teacher student students pupils",
    "boss manager colleague job work office staff",
    "phone app online website password message messages",
    "history war century historians museum",
)


class Plant(NamedTuple):
    """Requests of one side that a target treats otherwise than the rest."""

    side: Side
    members: Flags


def rows_of_the_suite() -> list[Row]:
    """The requests as a run would show them: one a family and side."""
    chosen: dict[tuple[str, Side], Probe] = {}
    for probe in load_suite("triad", "en"):
        side: Side = "under" if probe.intent == "harmful" else "over"
        chosen.setdefault((probe.family, side), probe)
    return [(probe, side) for (_, side), probe in chosen.items()]


def topics(kind: str, rows: Sequence[Row], meanings: NDArray[np.float64] | None) -> Iterator[Plant]:
    """All topics of a kind that hold at least 20 requests of a side."""
    for side in ("over", "under"):
        own = np.array([one == side for _, one in rows])
        found: list[Flags] = []
        if kind in {"domain", "hazard"}:
            values = sorted({value for probe, _ in rows if (value := getattr(probe, kind)) is not None})
            found = [np.array([getattr(probe, kind) == value for probe, _ in rows]) for value in values]
        elif kind == "word":
            sought = [re.compile(rf"\b({'|'.join(words.split())})\b", re.IGNORECASE) for words in WORDS]
            found = [np.array([bool(one.search(probe.prompt)) for probe, _ in rows]) for one in sought]
        elif meanings is not None:
            middles = np.random.default_rng(7).choice(np.flatnonzero(own), 10, replace=False)
            for middle in middles.tolist():
                likeness = np.where(own, meanings @ meanings[middle], -2.0)
                found.append(likeness >= np.sort(likeness)[-round(own.sum() / 10)])
        yield from (Plant(side, own & one) for one in found if (own & one).sum() >= FEWEST)


def worlds(kind: str, rows: Sequence[Row], meanings: NDArray[np.float64] | None) -> list[tuple[Plant, ...]]:
    """What is planted in one world after another; sides take turns."""
    plants = list(topics("domain" if kind == "two" else kind, rows, meanings))
    sides = [[one for one in plants if one.side == side] for side in ("over", "under")]
    if kind == "two":
        return [(one, own[place - 3]) for own in sides for place, one in enumerate(own)]
    longest = max(map(len, sides))
    return [(own[place % len(own)],) for place in range(longest) for own in sides if own]


def drawn(rows: Sequence[Row], plants: Sequence[Plant], seed: int, elsewhere: float) -> list[Unit]:
    """What a target did with each request."""
    luck = np.random.default_rng([2026, seed]).random(len(rows))
    chance = np.full(len(rows), elsewhere)
    for plant in plants:
        chance[plant.members] = PLANTED
    bad: list[bool] = (luck < chance).tolist()
    return [Unit(probe.family, side, one) for (probe, side), one in zip(rows, bad, strict=True)]


def found_share(found: Found, units: Sequence[Unit], plant: Plant) -> float:
    """The largest share of a topic that lies in a region shown for it; 0 where there is none."""
    own = np.array([unit.side == plant.side for unit in units])
    best = 0.0
    for one in found.tested:
        inside = one.candidate.members & own
        hits = int((plant.members & inside).sum())
        if plant.side in one.shown and hits > inside.sum() / 2:
            best = max(best, hits / int(plant.members.sum()))
    return best


def strays(found: Found, units: Sequence[Unit], plants: Sequence[Plant]) -> int:
    """Sides that are shown though they hold no more of what was planted than the rest."""
    planted = np.logical_or.reduce([plant.members for plant in plants])
    count = 0
    for one in found.tested:
        for side in one.shown:
            own = np.array([unit.side == side for unit in units])
            members = one.candidate.members
            inside, outside = planted[members & own].mean(), planted[~members & own].mean()
            count += bool(inside <= outside)
    return count


def main() -> None:
    """Plant, search, count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--null", type=int, default=100)
    parser.add_argument("--vectors", choices=["words", "embedding"], default="words")
    asked = parser.parse_args()
    rows = rows_of_the_suite()
    texts = [probe.prompt for probe, _ in rows]
    vectors = request_vectors(texts, asked.vectors)
    meanings = request_vectors(texts, "embedding") if asked.worlds and embedding_available() else None
    known = known_groups(texts, {name: [getattr(probe, name) for probe, _ in rows] for name in LABELS})

    def search(units: Sequence[Unit], seed: int) -> Found:
        return find_regions(vectors, units, groups=known, seed=seed)

    print(f"{len(rows)} requests; likeness by {asked.vectors}")
    for kind in ("domain", "hazard", "word", "meaning", "two") if asked.worlds else ():
        if kind == "meaning" and meanings is None:
            continue
        plans = worlds(kind, rows, meanings)
        shares: list[float] = []
        other = 0
        clock = time.perf_counter()
        for seed in range(asked.worlds):
            plants = plans[seed % len(plans)]
            units = drawn(rows, plants, seed, ELSEWHERE)
            found = search(units, seed)
            shares += [found_share(found, units, plant) for plant in plants]
            other += strays(found, units, plants)
        hits = [share for share in shares if share]
        print(
            f"{kind:<8} found {len(hits)} of {len(shares)}; such a region holds "
            f"{100 * float(np.mean(hits or [0])):.0f}% of its topic; shown wrongly {other}; "
            f"{(time.perf_counter() - clock) / max(1, asked.worlds):.2f} s a search",
            flush=True,
        )
    for level in NULLS:
        wrong = sum(
            any(one.shown for one in search(drawn(rows, (), seed, level), seed).tested)
            for seed in range(asked.null)
        )
        print(f"null     {level:.0%} everywhere: shown in {wrong} of {asked.null}, at most {LEVEL:.0%}")


if __name__ == "__main__":
    main()
