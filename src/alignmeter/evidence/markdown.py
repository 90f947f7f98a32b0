"""A gate as Markdown, for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.verdicts import Check, Gate, Status

_MARKS: dict[Status, str] = {"ok": "✅", "warn": "⚠️", "block": "⛔"}
_SPECIAL = str.maketrans(
    {char: f"\\{char}" for char in "\\`*_[]|~"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\n": " ", "\r": " "}
)


def gate_markdown(gate: Gate) -> str:
    """Render a gate: the decision, what is open, a table of checks, and the rule that was used."""
    blocked = [check for check in gate.checks if check.status == "block"]
    total = f"{len(gate.checks)} checks"
    head = f"all {total} let this release pass"
    if blocked:
        head = f"{len(blocked)} of {total} keep this release back"
    elif not gate.checks:
        head = "no check was made, so nothing passes"
    elif gate.open:
        head = f"this release may pass, with {gate.open} of {total} open: let through, shown by nobody"
    compared = f", compared with `{_code(gate.baseline)}`" if gate.baseline else ""
    mark: Status = "block" if not gate.passed else "warn" if gate.open else "ok"
    lines = [
        f"### {_MARKS[mark]} Alignmeter: {head}",
        "",
        f"Target {_escape(gate.target)}, run `{_code(gate.run)}`{compared}. Exit code {gate.exit_code}.",
        "",
        *(line for note in gate.notes for line in (f"{_MARKS['warn']} {_escape(note)}", "")),
        "| | Check | Verdict | What was seen |",
        "|---|---|---|---|",
        *(_row(check) for check in gate.checks),
        "",
        f"<sub>{_escape(gate.rule)}. A PASS is about prompts like these against static attacks; it never "
        f"says that the model is safe.</sub>",
    ]
    return "\n".join(lines) + "\n"


def _row(check: Check) -> str:
    cells = (_MARKS[check.status], _escape(check.title), check.verdict, _escape(check.sentence))
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Show text as it is, whatever it holds: names come from outside."""
    return text.translate(_SPECIAL)


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
