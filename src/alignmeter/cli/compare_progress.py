"""Displays of two targets that are asked side by side: a line a look, on standard error."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from alignmeter.cli.output import tell

if TYPE_CHECKING:
    from alignmeter.api import ComparisonProgress
    from alignmeter.engine import Standing
    from alignmeter.records import ComparisonDesign

_SECONDS = 10.0
_WORDS = {
    "pass": "a rise within the margin is shown",
    "fail": "a rise over the margin is shown",
    "undecided": "undecided after the last look",
    "continue": "undecided, asking goes on",
}


def choose_display(*, quiet: bool, as_json: bool) -> ComparisonProgress | None:
    """Give the display that fits the output."""
    if quiet:
        return None
    return JsonLooks() if as_json else PlainLooks()


class PlainLooks:
    """A line at the start, one a look, and one every ten seconds between."""

    def __init__(self) -> None:
        self._design: ComparisonDesign | None = None
        self._look = 1
        self._state = "continue"
        self._last = time.monotonic()

    def started(self, *, base: str, tuned: str, design: ComparisonDesign, standing: Standing) -> None:
        """See `ComparisonProgress.started`."""
        self._design, self._look, self._state = design, standing.look, standing.tested.state
        done = sum(standing.answered)
        resumed = f", {done} answers already there" if done else ""
        looks = f"{len(design.looks)} looks, the first at {design.looks[0]}"
        tell(f"base -> {base}")
        tell(f"tuned -> {tuned}")
        tell(f"at most {design.n_max} pairs, {looks}{resumed}")

    def update(self, standing: Standing) -> None:
        """See `ComparisonProgress.update`."""
        assert self._design is not None  # noqa: S101 - `started` comes first
        looks = len(self._design.looks)
        if (standing.look, standing.tested.state) != (self._look, self._state):
            decided = standing.tested.state != "continue"
            look = standing.look if decided else standing.look - 1
            self._look, self._state, self._last = standing.look, standing.tested.state, time.monotonic()
            tell(
                f"look {look} of {looks}: {self._design.looks[look - 1]} pairs, "
                f"{_WORDS[standing.tested.state]}"
            )
        elif time.monotonic() - self._last >= _SECONDS:
            self._last = time.monotonic()
            base, tuned = standing.answered
            tell(f"{base} and {tuned} of {standing.horizon} answered for look {standing.look} of {looks}")

    def note(self, message: str) -> None:
        """See `ComparisonProgress.note`."""
        tell(message)


class JsonLooks:
    """One JSON object a line: at the start, and whenever a look was taken."""

    def __init__(self) -> None:
        self._seen = (1, "continue")

    def started(self, *, base: str, tuned: str, design: ComparisonDesign, standing: Standing) -> None:
        """See `ComparisonProgress.started`."""
        self._seen = (standing.look, standing.tested.state)
        tell(
            json.dumps(
                {
                    "event": "started",
                    "base": base,
                    "tuned": tuned,
                    "looks": design.looks,
                    "answered": standing.answered,
                }
            )
        )

    def update(self, standing: Standing) -> None:
        """See `ComparisonProgress.update`."""
        seen = (standing.look, standing.tested.state)
        if seen == self._seen:
            return
        self._seen = seen
        tell(
            json.dumps(
                {
                    "event": "look",
                    "state": standing.tested.state,
                    "answered": standing.answered,
                    "lower": standing.tested.lower,
                    "upper": standing.tested.upper,
                }
            )
        )

    def note(self, message: str) -> None:
        """See `ComparisonProgress.note`."""
        tell(json.dumps({"event": "note", "message": message}))
