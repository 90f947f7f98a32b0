"""Displays of a run: live on a terminal, plain lines elsewhere, JSON lines for machines, or none."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alignmeter.cli.output import console, tell

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console, Group
    from rich.live import Live

    from alignmeter.engine import Progress, Snapshot
    from alignmeter.records import Claim

_PLAIN_SECONDS = 10.0
_ERROR_WIDTH = 150
_STATES: dict[str, str] = {
    "continue": "open",
    "pass": "PASS",
    "fail": "FAIL",
    "futile": "undecided",
    "undecided": "undecided",
    "unscored": "INVALID",
}


@contextmanager
def choose_progress(*, quiet: bool, as_json: bool) -> Generator[Progress | None]:
    """Give the display that fits the output; it is closed when the block ends."""
    if quiet:
        yield None
        return
    if as_json:
        yield JsonProgress()
        return
    out = console(stderr=True)
    if not out.is_terminal:
        yield PlainProgress()
        return
    display = LiveProgress(out)
    try:
        yield display
    finally:
        display.close()


class _Run:
    """What every display remembers of the run."""

    def __init__(self) -> None:
        self.run = self.target = ""
        self.total = self.done = 0
        self.claims: tuple[Claim, ...] = ()

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        self.run, self.target, self.total, self.done, self.claims = run, target, total, done, claims

    def answered(self, snapshot: Snapshot) -> int:
        return self.done + snapshot.answered

    def over(self, snapshot: Snapshot) -> bool:
        """Whether nothing more is to come."""
        claims = snapshot.claims.values()
        decided = bool(claims) and all(state.state != "continue" for state in claims)
        return self.answered(snapshot) == self.total or (decided and snapshot.in_flight == 0)

    def decided(self, snapshot: Snapshot) -> str:
        """How many claims are decided, where that may be known before the end."""
        if not snapshot.claims:
            return ""
        over = sum(state.state != "continue" for state in snapshot.claims.values())
        return f", {over} of {len(snapshot.claims)} claims decided"

    def _to_go(self, snapshot: Snapshot) -> str:
        most = "at most " if snapshot.claims else ""
        return most + _duration(self.eta(snapshot))

    def eta(self, snapshot: Snapshot) -> float | None:
        """Seconds to go, at most: decided claims ask no more."""
        rest = self.total - self.answered(snapshot)
        return rest * snapshot.seconds / snapshot.answered if snapshot.answered else None


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _claim_line(claim: Claim, snapshot: Snapshot) -> str:
    """Where a claim stands; counts only at fixed n, where a verdict before the end would be a peek."""
    from alignmeter.verdicts import tally

    state = snapshot.claims.get(claim.id)
    if state is not None:
        return f"{_STATES[state.state]:12} {state.used}/{state.available} units, {state.bad:g} bad"
    counts = tally(claim, snapshot.judgements.get(claim.axis, {}))
    unscored = f", {counts.unscored} unscored" if counts.unscored else ""
    # A gap has no bad units of its own, only differences of pairs.
    bad = "" if claim.kind == "language_gap" else f", {counts.bad} bad"
    return f"{counts.scored + counts.unscored}/{counts.units * counts.members} asked{bad}{unscored}"


class PlainProgress(_Run):
    """A line at the start, one every ten seconds, one at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0
        self._said: int = -1

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        """See `Progress.started`."""
        super().started(run=run, target=target, total=total, done=done, claims=claims)
        resumed = f", {done} already answered" if done else ""
        self.note(f"{target}: {total} trials{resumed} -> {run}")

    def update(self, snapshot: Snapshot) -> None:
        """See `Progress.update`."""
        answered = self.answered(snapshot)
        due = time.monotonic() - self._last >= _PLAIN_SECONDS
        if answered == self._said or not (self.over(snapshot) or due):
            return
        self._last, self._said = time.monotonic(), answered
        errors = f", {sum(snapshot.errors.values())} errors" if snapshot.errors else ""
        self.note(
            f"{answered}/{self.total} trials, {snapshot.calls} calls, {snapshot.unscored} unscored{errors}"
            f"{self.decided(snapshot)}, {_duration(snapshot.seconds)} gone, {self._to_go(snapshot)} to go"
        )

    def note(self, message: str) -> None:
        """See `Progress.note`."""
        tell(message)


class JsonProgress(_Run):
    """One JSON object a line on standard error, about one a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        """See `Progress.started`."""
        super().started(run=run, target=target, total=total, done=done, claims=claims)
        self._say({"event": "started", "run": run, "target": target, "total": total, "done": done})

    def update(self, snapshot: Snapshot) -> None:
        """See `Progress.update`."""
        answered = self.answered(snapshot)
        if time.monotonic() - self._last < 1.0 and not self.over(snapshot):
            return
        self._last = time.monotonic()
        self._say(
            {
                "event": "progress",
                "answered": answered,
                "total": self.total,
                "in_flight": snapshot.in_flight,
                "limit": snapshot.limit,
                "unscored": snapshot.unscored,
                "errors": dict(snapshot.errors),
                "calls": snapshot.calls,
                "tokens": snapshot.tokens,
                "money": snapshot.money,
                "seconds": round(snapshot.seconds, 2),
                "eta_seconds": self.eta(snapshot),
                "claims": {claim: state._asdict() for claim, state in snapshot.claims.items()},
            }
        )

    def note(self, message: str) -> None:
        """See `Progress.note`."""
        self._say({"event": "note", "message": message})

    def _say(self, event: dict[str, object]) -> None:
        tell(json.dumps(event))


class LiveProgress(_Run):
    """A live Rich display: a bar, the state of each claim, errors, ETA and cost."""

    def __init__(self, out: Console) -> None:
        super().__init__()
        self._out = out
        self._live: Live | None = None

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        """See `Progress.started`."""
        from rich.live import Live

        super().started(run=run, target=target, total=total, done=done, claims=claims)
        resumed = f" ({done} already answered)" if done else ""
        self._out.print(f"{target}: {total} trials{resumed} -> {run}", markup=False, soft_wrap=True)
        self._live = Live(console=self._out, auto_refresh=False, transient=True)
        self._live.start()

    def update(self, snapshot: Snapshot) -> None:
        """See `Progress.update`."""
        if self._live is not None:
            self._live.update(self._frame(snapshot), refresh=True)

    def note(self, message: str) -> None:
        """See `Progress.note`."""
        self._out.print(message, markup=False)

    def close(self) -> None:
        """Take the display down."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _frame(self, snapshot: Snapshot) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        from alignmeter.report.text import one_line

        answered = self.answered(snapshot)
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=max(self.total, 1), completed=answered, width=24),
            f"{answered}/{self.total}",
            f"{snapshot.in_flight} in flight of {snapshot.limit}",
            f"{_duration(snapshot.seconds)} gone, {self._to_go(snapshot)} to go",
        )
        rows = Table.grid(padding=(0, 2))
        for claim in self.claims:
            if claim.units:
                rows.add_row(f"  {claim.id}", _claim_line(claim, snapshot))
        money = f", {snapshot.money:.4g} in money" if snapshot.money else ""
        cost = Text(f"  {snapshot.calls} calls, {snapshot.tokens:,} tokens{money}")
        lines: list[Text] = [cost]
        if snapshot.errors:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(snapshot.errors.items()))
            last = one_line(snapshot.last_error, _ERROR_WIDTH)
            lines.append(Text(f"  errors: {kinds}; last: {last}", style="yellow"))
        if snapshot.retrying:
            lines.append(Text(f"  {snapshot.retrying} waiting for another attempt", style="yellow"))
        return Group(head, rows, *lines)
