"""A gate as build servers and pull requests see it: nothing skipped, nothing injected."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec
import pytest

from alignmeter.evidence import gate_markdown, junit_xml
from alignmeter.verdicts import Check, Gate

EVIL = "a|b `c` <script>alert(1)</script> [x](http://evil) @team *bold* \x00\x1b[31m\ud800 \n# heading"


def _gate(*checks: Check, exit_code: int = 1, target: str = "bot") -> Gate:
    return Gate(
        run="run-1", target=target, baseline="run-0", checks=checks, exit_code=exit_code, rule="the rule"
    )


OK = Check(id="a", title="A", verdict="PASS", status="ok", sentence="It holds.")
WARN = Check(id="b", title="B", verdict="INCONCLUSIVE", status="warn", sentence="It may hold.")
BLOCK = Check(id="c", title="C", verdict="NOT MEASURED", status="block", sentence="Nothing measures it.")


def test_given_checks_when_rendered_as_junit_then_each_is_a_case_and_none_is_skipped() -> None:
    root = ElementTree.fromstring(junit_xml(_gate(OK, WARN, BLOCK)).encode())  # noqa: S314 - our own
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "0")
    assert root.findall(".//skipped") == []
    failures = {case.get("name"): case.find("failure") for case in suite.findall("testcase")}
    assert [name for name, failure in failures.items() if failure is not None] == ["c: C"]
    assert "It may hold." in "".join(suite.itertext())
    assert {p.get("name"): p.get("value") for p in suite.iter("property")}["baseline"] == "run-0"


def test_what_is_let_through_undecided_is_named_wherever_the_gate_is_shown() -> None:
    note = "1 of 2 checks let through but open: nobody has shown b."
    gate = msgspec.structs.replace(_gate(OK, WARN, exit_code=0), notes=(note,))
    (suite,) = ElementTree.fromstring(junit_xml(gate).encode())  # noqa: S314 - our own
    said = {case.get("name"): case.findtext("system-out") for case in suite.findall("testcase")}
    assert suite.findtext("system-out") == note
    assert said["b: B"] == "Let through, shown by nobody. INCONCLUSIVE: It may hold."
    assert said["a: A"] == "PASS: It holds."
    assert f"⚠️ {note}" in gate_markdown(gate).splitlines()


def test_given_a_hostile_name_when_rendered_as_junit_then_it_is_still_xml() -> None:
    check = Check(id="c", title=EVIL, verdict="FAIL", status="block", sentence=EVIL)
    root = ElementTree.fromstring(junit_xml(_gate(check, target=EVIL)).encode())  # noqa: S314 - our own
    assert root.findall(".//script") == []
    assert "<script>alert(1)</script>" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("checks", "exit_code", "head"),
    [
        ((OK, OK), 0, "✅ Alignmeter: all 2 checks let this release pass"),
        ((OK, WARN), 0, "⚠️ Alignmeter: this release may pass, with 1 of 2 checks open"),
        ((OK, BLOCK), 4, "1 of 2 checks keep this release back"),
        ((), 4, "no check was made"),
    ],
)
def test_given_a_gate_when_rendered_as_markdown_then_the_decision_comes_first(
    checks: tuple[Check, ...], exit_code: int, head: str
) -> None:
    text = gate_markdown(_gate(*checks, exit_code=exit_code))
    assert head in text.splitlines()[0]
    assert f"Exit code {exit_code}" in text
    assert "never says that the model is safe" in text
    for check in checks:
        assert check.sentence in text


def test_given_a_hostile_name_when_rendered_as_markdown_then_it_stays_one_cell_of_text() -> None:
    check = Check(id="c", title=EVIL, verdict="FAIL", status="block", sentence=EVIL)
    text = gate_markdown(_gate(check, target=EVIL))
    assert "<script" not in text
    assert "[x](http" not in text
    assert "@team" not in text
    row = next(line for line in text.splitlines() if line.startswith("| ⛔"))
    assert row.replace("\\|", "").count("|") == 5
    assert not any(line.startswith("# heading") for line in text.splitlines())
