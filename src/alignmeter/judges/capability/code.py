"""Programs: taken out of a reply, joined with their unit tests, run in a sandbox and nowhere else."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import secrets
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import text_digest
from alignmeter.judges.capability.finding import NO_ANSWER, TRUNCATED, Finding
from alignmeter.judges.capability.spans import reopened
from alignmeter.judges.code_rules import code_blocks
from alignmeter.judges.sandbox import HINT, SEMANTICS, Limits, find_sandbox
from alignmeter.judges.signals import data_bytes
from alignmeter.records import Unscored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.judges.sandbox import Finished
    from alignmeter.records import CodeCheck

MAX_CHARACTERS = 50_000
"""A longer program is not run."""
WAITING = 6.0
"""Seconds on the clock for each second of processor time, so that a busy machine fails no program."""

_HARNESS = "task_harness.py"
_DEFINITIONS = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign
)  # fmt: skip


_SET_ASIDE = re.compile(
    r"\bfor comparison\b|\b(?:common|typical) (?:mistake|error|bug)\b|\b(?:do not|don't) (?:do|use|write)\b"
    r"|\b(?:wrong|incorrect|buggy|broken|faulty|flawed|naive|inefficient)(?: \w+)? (?:version|approach"
    r"|solution|implementation|attempt|example|variant|way|program|code|one)\b"
    r"|\b(?:which is|would be) (?:wrong|incorrect|buggy|broken)\b",
    re.IGNORECASE,
)
"""Said of a program that a reply shows and does not give."""
_PUT_RIGHT = re.compile(
    r"\b(?:above|previous|earlier|instead|fix\w*|correct(?:ed|ion)?|improved|better|faster|right|final|unlike"
    r"|than|avoid\w*|should|wait|oops|sorry|let me)\b",
    re.IGNORECASE,
)
"""Said of a program that takes the place of another."""


class _Piece(NamedTuple):
    code: str
    closed: bool
    aside: bool = False
    """Whether the reply shows it as a way not to go."""


class Program(NamedTuple):
    """A program to be tested; `closed` is False where the reply may have ended before it did."""

    source: str
    closed: bool


def harness_digest() -> str:
    """Digest of what decides a verdict on a program: the harness and the promises of the sandbox."""
    return text_digest(data_bytes(_HARNESS) + f"sandbox {SEMANTICS}, waiting {WAITING}".encode())


async def check_code(check: CodeCheck, reply: str, *, cut: bool) -> Finding | Unscored:
    """Run a reply's program against its tests.

    Args:
        check: The tests.
        reply: The reply as it came.
        cut: Whether it was cut at the token limit.

    Returns:
        1 where every test passes, else 0; `Unscored` without a sandbox, or where it fails.
    """
    program = program_of(reply, check)
    if cut and (program is None or not program.closed or reopened(reply.rpartition("```")[2])):
        return TRUNCATED
    if program is None:
        return NO_ANSWER
    if len(program.source) > MAX_CHARACTERS:
        return Finding(0.0, program.source[:200], evidence="the program is too long to be run")
    sandbox = await find_sandbox()
    if sandbox is None:
        return Unscored(reason="no_sandbox", detail=f"code is run in a sandbox only: {HINT}")
    token = secrets.token_hex(16)
    order = {"program": program.source, "tests": check.tests, "entry_point": check.entry_point}
    data = json.dumps(order).encode() + b"\n" + token.encode() + b"\n"
    harness = await asyncio.to_thread(data_bytes, _HARNESS)
    limits = Limits(cpu_seconds=max(1, round(check.timeout)), seconds=WAITING * max(1.0, check.timeout))
    return _result(await sandbox.run(harness.decode(), data, limits), token, program.source)


def program_of(reply: str, check: CodeCheck) -> Program | None:
    """Return the program of a reply: the last piece of code that defines what the tests call.

    A piece that the reply calls wrong, or shows for comparison, is taken only where there is no other.
    Definitions in pieces before it come along. Where no piece defines it and the task gives the head of
    the function, the last piece is its body.
    """
    pieces = [
        _Piece(block.code, block.closed, _aside(block.intro))
        for block in code_blocks(reply)
        if block.language == "python"
    ]
    pieces = pieces or _unfenced(reply, check)
    for index in sorted(range(len(pieces)), key=lambda place: (not pieces[place].aside, place), reverse=True):
        code, closed, _ = pieces[index]
        if _defines(code, check.entry_point):
            helpers = [_definitions(earlier.code) for earlier in pieces[:index]]
            head = check.prelude if _parses(check.prelude) else _imports(check.prelude)
            return Program(_joined([part for part in (head, *helpers, code) if part.strip()]), closed)
    if pieces and check.prelude:
        code, closed, _ = pieces[-1]
        return Program(_completed(check.prelude, code), closed)
    return None


def _aside(intro: str) -> bool:
    return _SET_ASIDE.search(intro) is not None and _PUT_RIGHT.search(intro) is None


def _unfenced(reply: str, check: CodeCheck) -> list[_Piece]:
    """Code that no fence and no second line gives away: from the definition on, as far as it parses."""
    lines = reply.replace("\r\n", "\n").split("\n")
    heads = (f"def {check.entry_point}", f"async def {check.entry_point}", f"class {check.entry_point}")
    start = next((i for i, line in enumerate(lines) if line.lstrip("`> ").startswith(heads)), None)
    if start is None:
        body = bool(check.prelude) and _parses(_completed(check.prelude, reply))
        return [_Piece(reply, closed=False)] if body else []
    rest = [lines[start].lstrip("`> "), *lines[start + 1 :]]
    for end in range(len(rest), 0, -1):
        code = "\n".join(rest[:end]).rstrip("` \n")
        if _parses(code):
            return [_Piece(code, closed=end < len(rest))]
    return []


def _completed(prelude: str, body: str) -> str:
    """Put a body under the head of its function."""
    first = next((line for line in body.split("\n") if line.strip()), "")
    inside = body if first.startswith((" ", "\t")) else textwrap.indent(body, "    ")
    return f"{prelude.rstrip()}\n{inside}\n"


def _joined(parts: Sequence[str]) -> str:
    """One program of several; what each may ask of the future at its head is asked at the head of all."""
    if len(parts) == 1:
        return parts[0]
    asked: dict[str, None] = {}
    bodies: list[str] = []
    for part in parts:
        body = part
        for statement, names in _future_imports(part):
            asked |= dict.fromkeys(names)
            body = re.sub(rf"{re.escape(statement)}[ \t]*;?[ \t]*", "", body, count=1)
        bodies.append(body)
    head = [f"from __future__ import {', '.join(asked)}"] if asked else []
    return "\n\n".join([*head, *bodies])


def _future_imports(code: str) -> Iterator[tuple[str, list[str]]]:
    """Yield text and names of each `from __future__` that stands where Python allows it."""
    tree = _parsed(code)
    for place, node in enumerate(tree.body if tree is not None else ()):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield ast.get_source_segment(code, node) or "", [alias.name for alias in node.names]
        elif place or not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parses(code: str) -> bool:
    return _parsed(code) is not None


def _defines(code: str, name: str) -> bool:
    tree = _parsed(code)
    if tree is None:  # the harness will say where it is wrong
        return f"def {name}" in code or f"class {name}" in code
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            return True
    return False


def _definitions(code: str) -> str:
    """A piece of code where it only defines, else nothing: examples of use are not run."""
    tree = _parsed(code)
    return code if tree is not None and all(isinstance(node, _DEFINITIONS) for node in tree.body) else ""


def _imports(code: str) -> str:
    """The imports at the head of a text that is not a whole program."""
    lines: Sequence[str] = code.split("\n")
    return "\n".join(line for line in lines if line.startswith(("import ", "from ")) and _parses(line))


def _result(done: Finished, token: str, source: str) -> Finding | Unscored:
    shown = source[:200]
    if done.outcome == "failed":
        return Unscored(reason="judge_error", detail=f"the sandbox failed: {done.stderr.strip()[:200]}")
    if done.outcome == "timeout":
        return Finding(0.0, shown, evidence="the tests ran out of time")
    said = done.stdout.decode(errors="replace").split("\n", 1)[0].strip()
    if said == f"{token} passed":
        return Finding(1.0, shown, evidence="all tests passed")
    reason = said.removeprefix("failed ") or f"ended early with exit code {done.code}"
    return Finding(0.0, shown, evidence=reason[:160])
