"""A gate as JUnit XML, which every build server reads.

Build servers show a skipped test as a green build. So nothing here is ever skipped: what is undecided,
invalid or not measured is a failure, unless the user lets it warn; then it passes with its sentence in
the output, and that of the suite says which those are, that nobody has shown them, and what would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from alignmeter.verdicts import Check

if TYPE_CHECKING:
    from alignmeter.verdicts import Gate

_ILLEGAL = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in {9, 10, 13}
}
_UNCHECKED = Check(
    id="gate",
    title="The run holds something to check",
    status="block",
    verdict="NOT MEASURED",
    sentence="No check was made, so nothing passes.",
)
"""Stands where a gate blocks without a check of its own: a suite without tests would be a green build."""


def junit_xml(gate: Gate) -> str:
    """Render a gate: one test case a check, a failure for each that blocks."""
    checks = gate.checks or (_UNCHECKED,)
    blocked = sum(check.status == "block" for check in checks)
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=_clean(f"alignmeter {gate.target}"),
        tests=str(len(checks)),
        failures=str(blocked),
        errors="0",
        skipped="0",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("run", gate.run), ("baseline", gate.baseline), ("rule", gate.rule)):
        if value is not None:
            ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    for check in checks:
        _case(suite, gate, check)
    if gate.notes:
        ElementTree.SubElement(suite, "system-out").text = _clean("\n".join(gate.notes))
    ElementTree.indent(suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
    )


def _case(suite: ElementTree.Element, gate: Gate, check: Check) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_clean(f"alignmeter.{gate.target}"),
        name=_clean(f"{check.id}: {check.title}"),
    )
    said = _clean(f"{check.verdict}: {check.sentence}")
    if check.status == "block":
        ElementTree.SubElement(case, "failure", type=check.verdict, message=said).text = said
    else:
        shown = "Let through, shown by nobody. " if check.status == "warn" else ""
        ElementTree.SubElement(case, "system-out").text = f"{shown}{said}"


def _clean(text: str) -> str:
    """Replace what XML 1.0 cannot hold."""
    return text.translate(_ILLEGAL).encode("utf-8", "replace").decode("utf-8")
