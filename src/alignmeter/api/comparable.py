"""Why two runs cannot be compared: they were sampled otherwise, or judged by other judges.

The rule of sampling is that of `compare`, `gate --baseline`, `tax` and `frontier`; `tax` and `frontier` say
of judges in words of their own what is to be done about them there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from alignmeter.records import Axis, RunManifest, Sampling
    from alignmeter.store import RunData

_FIELDS = ("temperature", "top_p")


class Sampled(NamedTuple):
    """How one run was sampled.

    Attributes:
        name: What a sentence calls it, for example `the base`.
        cut: Replies that ended at the limit of tokens.
    """

    name: str
    sampling: Sampling
    cut: int


def sampled(name: str, manifest: RunManifest, data: RunData) -> Sampled:
    """Read off a run how it was sampled."""
    return Sampled(name, manifest.target.fingerprint.sampling, len(cut_replies(data)))


def cut_replies(data: RunData) -> frozenset[str]:
    """Trials whose reply ended at the limit of tokens."""
    return frozenset(
        trial for trial, transcript in data.transcripts.items() if transcript.finish_reason == "length"
    )


def sampling_problems(one: Sampled, two: Sampled) -> list[str]:
    """Say in which settings two runs differ that change what a model says, one clause each.

    Limits of tokens differ only where a reply ended at one. Seeds may differ: the draws of a trial are
    independent then, which no test here relies on being otherwise.
    """
    found = [
        f"{field} was {getattr(one.sampling, field)!r} for {one.name} and "
        f"{getattr(two.sampling, field)!r} for {two.name}"
        for field in _FIELDS
        if getattr(one.sampling, field) != getattr(two.sampling, field)
    ]
    limits = one.sampling.max_tokens, two.sampling.max_tokens
    cut = one.cut + two.cut
    if limits[0] != limits[1] and cut:
        found.append(
            f"max_tokens was {limits[0]} for {one.name} and {limits[1]} for {two.name}, and {cut} replies "
            f"were cut"
        )
    return found


def judge_problems(axis: Axis, one: frozenset[str], two: frozenset[str]) -> list[str]:
    """Say that different judges answered on an axis, by their hashes; a run without any is no problem."""
    if not one or not two or one == two:
        return []
    return [
        f"they were judged on {axis} by different judges - `alignmeter judge rejudge RUN --judge ...` judges "
        f"again, and --judge NAME reads both as one judge"
    ]
