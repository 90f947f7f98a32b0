"""Which labelled replies are one unit: intervals count units, not replies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignmeter.judges.labels import LabelledReply


def units_of(replies: Sequence[LabelledReply]) -> NDArray[np.int64]:
    """Return the unit of each reply, numbered from 0 in the order of their least ids; shape (n,).

    Replies with one id are one unit (several models on one prompt, one question in several wordings), and
    so are replies to one prompt under any ids: numbering rows makes no reply independent of another. An
    empty prompt is one that the set does not publish; there the id alone tells.

    Args:
        replies: Labelled replies.
    """
    above = {reply.id: reply.id for reply in replies}

    def least(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    by_prompt: dict[str, str] = {}
    for reply in replies:
        prompt = reply.prompt.strip()
        if prompt:
            ends = least(reply.id), least(by_prompt.setdefault(prompt, reply.id))
            above[max(ends)] = min(ends)
    return np.unique([least(reply.id) for reply in replies], return_inverse=True)[1]


def chained(replies: Sequence[LabelledReply], units: NDArray[np.int64]) -> int:
    """Count the units that hold several prompts as well as several ids.

    There neither tells alone what belongs together: ids may start anew in every file, or a set may hold a
    prompt twice.

    Args:
        replies: Labelled replies.
        units: Their units, shape (n,).
    """
    ids: defaultdict[int, set[str]] = defaultdict(set)
    prompts: defaultdict[int, set[str]] = defaultdict(set)
    for reply, unit in zip(replies, units.tolist(), strict=True):
        ids[unit].add(reply.id)
        prompts[unit].add(reply.prompt.strip())
    return sum(len(ids[unit]) > 1 and len(prompts[unit]) > 1 for unit in ids)
