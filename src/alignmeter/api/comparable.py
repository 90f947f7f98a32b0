"""Why two runs cannot be compared: they were sampled otherwise, or judged by other judges.

The rule of sampling is that of `compare`, `gate --baseline`, `tax` and `frontier`; `tax` and `frontier` say
of judges in words of their own what is to be done about them there.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Axis, RunManifest, Sampling
    from alignmeter.store import RunData

SAMPLED_BY = ("temperature", "top_p")
"""Parameters in which two runs that are compared must be alike."""
SERVERS_OWN = "the server's own"
"""What a parameter was that the server refused."""


class Sampled(NamedTuple):
    """How one run was sampled.

    Attributes:
        name: What a sentence calls it, for example `the base`.
        sampling: What was asked for.
        cut: Replies that ended at the limit of tokens.
        replies: All replies.
        refused: Parameters that the server refused, with the replies drawn without them.
    """

    name: str
    sampling: Sampling
    cut: int
    replies: int
    refused: Mapping[str, int]

    def drawn(self, field: str) -> dict[str, int]:
        """Values of a parameter under which the replies were drawn, in words, with their numbers."""
        without = self.refused.get(field, 0)
        asked = repr(getattr(self.sampling, field))
        found = {asked: self.replies - without, SERVERS_OWN: without}
        return {value: n for value, n in found.items() if n} or {asked: 0}

    @property
    def greedy(self) -> bool:
        """Whether every reply was drawn at temperature 0, where seeds play no part."""
        return self.sampling.temperature == 0 and not self.refused.get("temperature")


def sampled(name: str, manifest: RunManifest, data: RunData) -> Sampled:
    """Read off a run how it was sampled."""
    replies = [one for one in data.transcripts.values() if one.error is None]
    return Sampled(
        name,
        manifest.target.fingerprint.sampling,
        sum(one.finish_reason == "length" for one in replies),
        len(replies),
        Counter(field for one in replies for field in one.refused),
    )


def sampling_problems(one: Sampled, two: Sampled) -> list[str]:
    """Say in which settings two runs differ that change what a model says, one clause each.

    What counts is what the replies were drawn with: a parameter that the server refused was its own, and a
    run in which it was refused halfway is two samplings, alike to no other. Limits of tokens differ only
    where a reply ended at one. Seeds may differ: the draws of a trial are independent then, which no test
    here relies on being otherwise.
    """
    found: list[str] = []
    for field in SAMPLED_BY:
        drawn = one.drawn(field), two.drawn(field)
        if drawn[0].keys() != drawn[1].keys() or len(drawn[0]) > 1:
            values = [_values(each) for each in drawn]
            found.append(f"{field} was {values[0]} for {one.name} and {values[1]} for {two.name}")
    limits = one.sampling.max_tokens, two.sampling.max_tokens
    cut = one.cut + two.cut
    if limits[0] != limits[1] and cut:
        found.append(
            f"max_tokens was {limits[0]} for {one.name} and {limits[1]} for {two.name}, and {cut} replies "
            f"were cut"
        )
    return found


def _values(drawn: Mapping[str, int]) -> str:
    if len(drawn) == 1:
        return next(iter(drawn))
    return " and ".join(f"{value} in {n} replies" for value, n in drawn.items())


def judge_problems(axis: Axis, one: frozenset[str], two: frozenset[str]) -> list[str]:
    """Say that different judges answered on an axis, by their hashes; a run without any is no problem."""
    if not one or not two or one == two:
        return []
    return [
        f"they were judged on {axis} by different judges - `alignmeter judge rejudge RUN --judge ...` judges "
        f"again, and --judge NAME reads both as one judge"
    ]
