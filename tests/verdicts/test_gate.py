"""The release gate: nothing fails open."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from alignmeter.records import Verdict, VerdictName
from alignmeter.verdicts import Change, Policy, exit_code, gate_exit_code, gate_notes, open_gate


def _verdict(name: VerdictName, reason: str = "a reason") -> Verdict:
    return Verdict(
        claim=f"claim-{name}",
        kind="false_refusal_benign",
        title="A claim",
        verdict=name,
        reason=reason,
        sentence=f"It is {name}.",
        threshold=0.05,
        alpha=0.05,
    )


def _change(name: VerdictName) -> Change:
    return Change(
        claim="c",
        title="A claim",
        verdict=name,
        reason="r",
        sentence=f"It changed: {name}.",
        margin=0.15,
        shared=9,
    )


@pytest.mark.parametrize("policy", ["block", "warn"])
@pytest.mark.parametrize("name", get_args(VerdictName))
def test_only_pass_is_ok_and_only_inconclusive_may_warn(name: VerdictName, policy: Policy) -> None:
    (check,) = open_gate([_verdict(name)], (), policy)
    expected = {"PASS": "ok", "INCONCLUSIVE": policy}.get(name, "block")
    assert (check.status, check.verdict, check.sentence) == (expected, name, f"It is {name}.")


@pytest.mark.parametrize(
    ("names", "blocking", "warning"),
    [
        (("PASS",), 0, 0),
        (("PASS", "INCONCLUSIVE"), 3, 0),
        (("INCONCLUSIVE", "INVALID"), 4, 4),
        (("NOT MEASURED", "PASS"), 4, 4),
        (("FAIL", "INVALID", "INCONCLUSIVE"), 1, 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_check_that_blocks(
    names: tuple[VerdictName, ...], blocking: int, warning: int
) -> None:
    verdicts = [_verdict(name) for name in names]
    assert gate_exit_code(open_gate(verdicts, (), "block")) == blocking == exit_code(verdicts)
    assert gate_exit_code(open_gate(verdicts, (), "warn")) == warning


NEVER = ("judge_lets_none_pass", "judge_uncalibrated", "cascade_uncalibrated", "misses_unknown")


@pytest.mark.parametrize("reason", NEVER)
def test_what_no_asking_could_show_with_the_judge_blocks_whatever_the_policy(reason: str) -> None:
    change = msgspec.structs.replace(_change("INCONCLUSIVE"), reason=reason)
    checks = open_gate([_verdict("PASS"), _verdict("INCONCLUSIVE", reason)], [change], "warn")
    assert [check.status for check in checks] == ["ok", "block", "block"]
    assert gate_exit_code(checks) == 3
    (note,) = gate_notes(checks, "warn")
    assert "2 of 3 checks kept back though INCONCLUSIVE warns" in note
    assert "nobody has shown claim-INCONCLUSIVE, change:c." in note
    assert "`alignmeter label RUN`" in note
    assert gate_notes(checks, "block") == ()


def test_what_warns_is_named_with_what_would_settle_it() -> None:
    checks = open_gate([_verdict("PASS"), _verdict("INCONCLUSIVE", "borderline")], (), "warn")
    (note,) = gate_notes(checks, "warn")
    assert "1 of 2 checks let through but open: nobody has shown claim-INCONCLUSIVE." in note
    assert "`alignmeter run --fixed`" in note
    assert "`alignmeter label RUN`" in note
    assert gate_notes(open_gate([_verdict("PASS")], (), "warn"), "warn") == ()


def test_a_gate_without_a_check_does_not_open() -> None:
    assert gate_exit_code(open_gate((), (), "warn")) == 4


def test_a_change_blocks_like_a_verdict() -> None:
    checks = open_gate([_verdict("PASS")], [_change("FAIL")], "warn")
    assert [(check.id, check.status) for check in checks] == [("claim-PASS", "ok"), ("change:c", "block")]
    assert gate_exit_code(checks) == 1
