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
"""What INCONCLUSIVE does to a release."""

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
    """

    run: str
    target: str
    checks: tuple[Check, ...]
    exit_code: int
    rule: str
    baseline: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return self.exit_code == PASSED


def open_gate(
    verdicts: Iterable[Verdict], changes: Iterable[Change], inconclusive: Policy
) -> Sequence[Check]:
    """Say of each verdict, and of each change from a baseline, what it does to a release.

    Only PASS lets a release through. What failed, could not be measured, or was measured invalidly
    keeps it back, and so does what is undecided, unless the user says otherwise.
    """
    found = [
        Check(
            id=verdict.claim,
            title=verdict.title,
            verdict=verdict.verdict,
            status=_status(verdict.verdict, inconclusive),
            sentence=verdict.sentence,
        )
        for verdict in verdicts
    ]
    found += [
        Check(
            id=f"change:{change.claim}",
            title=f"Change in: {change.title}",
            verdict=change.verdict,
            status=_status(change.verdict, inconclusive),
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


def _status(verdict: VerdictName, inconclusive: Policy) -> Status:
    if verdict == "PASS":
        return "ok"
    return inconclusive if verdict == "INCONCLUSIVE" else "block"
