"""From verdicts to an exit code, and to a decision on a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record, VerdictName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Verdict
    from alignmeter.verdicts.changes import Change

PASSED = 0
FAILED = 1
INCONCLUSIVE = 3
INVALID = 4
"""Exit codes of verdicts; those of what came to none are in `alignmeter.errors`."""


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 all claims PASS; 1 one FAILED; 4 one is INVALID or NOT MEASURED; 3 one is INCONCLUSIVE.

    The first that applies, in the order 1, 4, 3; no verdict at all is 4: nothing was measured.
    """
    names = {verdict.verdict for verdict in verdicts}
    if "FAIL" in names:
        return FAILED
    if names & {"INVALID", "NOT MEASURED"} or not names:
        return INVALID
    if "INCONCLUSIVE" in names:
        return INCONCLUSIVE
    return PASSED


Policy = Literal["block", "warn"]
"""What INCONCLUSIVE does to a release, where asking could have let the claim PASS; else it blocks."""

_NEVER_SHOWN = frozenset(
    {"judge_lets_none_pass", "judge_uncalibrated", "cascade_uncalibrated", "misses_unknown"}
)
"""Reasons of INCONCLUSIVE from which no asking brings a target without a fault to a PASS with its judge."""
_PEOPLE = (
    "`alignmeter run --fixed` asks everything (for a change in both runs), then `alignmeter label RUN` has "
    "people settle what was flagged, with `--claim ID` a language gap"
)

Status = Literal["ok", "warn", "block"]


class Check(Record, frozen=True):
    """One line of a gate.

    Attributes:
        id: Claim, or `change:CLAIM` for the comparison with a baseline.
        status: `block` keeps the release back, `warn` lets it pass and says so.
    """

    id: str
    title: str
    verdict: VerdictName
    status: Status
    sentence: str


class Gate(Record, frozen=True):
    """A decision on a release.

    Attributes:
        run: Run id; `baseline` the one it was compared with.
        exit_code: Of the checks that block: 1 one FAILED, 4 one is INVALID or NOT MEASURED, 3 one is
            INCONCLUSIVE, in this order; 0 where none does. Before them 5, where the run itself failed.
        rule: How the verdicts were reached, and what INCONCLUSIVE does.
        notes: Of a release that may pass with what is undecided: which checks are open, and how to settle
            them; which of them block all the same.
    """

    run: str
    target: str
    checks: tuple[Check, ...]
    exit_code: int
    rule: str
    baseline: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> int:
        """How many checks are let through though nobody has shown what they say."""
        return sum(check.status == "warn" for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return self.exit_code == PASSED


def open_gate(
    verdicts: Iterable[Verdict], changes: Iterable[Change], inconclusive: Policy
) -> Sequence[Check]:
    """Say of each verdict, and of each change from a baseline, what it does to a release.

    Only PASS lets a release through. What failed, could not be measured, or was measured invalidly
    keeps it back, and so does what is undecided, unless the user says otherwise. What no asking could
    have shown with this judge was not tested, and keeps it back whatever the user says.
    """
    found = [
        Check(
            id=verdict.claim,
            title=verdict.title,
            verdict=verdict.verdict,
            status=_status(verdict, inconclusive),
            sentence=verdict.sentence,
        )
        for verdict in verdicts
    ]
    found += [
        Check(
            id=f"change:{change.claim}",
            title=f"Change in: {change.title}",
            verdict=change.verdict,
            status=_status(change, inconclusive),
            sentence=change.sentence,
        )
        for change in changes
    ]
    return found


def gate_exit_code(checks: Sequence[Check]) -> int:
    """The exit code of the checks that block; a gate without any check is 4."""
    if not checks:
        return INVALID
    names = {check.verdict for check in checks if check.status == "block"}
    if "FAIL" in names:
        return FAILED
    if names & {"INVALID", "NOT MEASURED"}:
        return INVALID
    return INCONCLUSIVE if names else PASSED


def gate_notes(checks: Sequence[Check], inconclusive: Policy) -> tuple[str, ...]:
    """Say what is open where INCONCLUSIVE warns, that nobody has shown it, and what settles it."""
    if inconclusive == "block":
        return ()
    let_through = [check.id for check in checks if check.status == "warn"]
    kept_back = [check.id for check in checks if (check.verdict, check.status) == ("INCONCLUSIVE", "block")]
    notes: list[str] = []
    if let_through:
        notes.append(
            f"{len(let_through)} of {len(checks)} checks let through but open: nobody has shown "
            f"{', '.join(let_through)}. To settle: {_PEOPLE}."
        )
    if kept_back:
        notes.append(
            f"{len(kept_back)} of {len(checks)} checks kept back though INCONCLUSIVE warns, since with this "
            f"judge no asking brings them to a PASS: nobody has shown {', '.join(kept_back)}. To settle: "
            f"{_PEOPLE}; a judge without a card gets one by `alignmeter judge calibrate`."
        )
    return tuple(notes)


def _status(found: Verdict | Change, inconclusive: Policy) -> Status:
    if found.verdict == "PASS":
        return "ok"
    if found.verdict != "INCONCLUSIVE" or found.reason in _NEVER_SHOWN:
        return "block"
    return inconclusive
