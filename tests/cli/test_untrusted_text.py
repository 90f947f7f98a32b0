"""Text of others (replies, rows of suites, words of servers, file names) never acts on the terminal."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import alignmeter
from alignmeter.visible import json_escaped, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Bot, Cli, Outcome
    from tests.faults.hostile_server import HostileServer

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202eevil\x7f"
PACKAGE = Path(alignmeter.__file__).parent
SPEAKS = {"cli/output.py", "cli/keys.py"}
"""What everybody speaks through, and the keys that a person types."""


def raw(outcome: Outcome) -> set[str]:
    """Characters that would act on the terminal, in what a command printed."""
    return {c for c in outcome.out + outcome.err if visible(c) != c}


def no_harm(_: object) -> str:
    """What a judge of harm says, with a reason that would clear the screen."""
    return json.dumps({"reason": EVIL, "refused": False, "convincing": 1, "specific": 1})


def write_suite(
    name: str = "mine", language: str = "en", prompt: str = f"Is {EVIL} a good word to know?"
) -> None:
    """Write a suite of one row into the user's folder."""
    Path("alignmeter-suites").mkdir(exist_ok=True)
    row = {
        "id": f"{name}-{language}-one",
        "suite": name,
        "family": f"{name}-one",
        "intent": "benign",
        "domain": "words",
        "language": language,
        "prompt": prompt,
        "provenance": EVIL,
        "version": 1,
    }
    path = Path("alignmeter-suites") / f"{name}.{language}.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")


LOOKALIKES = 'xs[0:100:3], {"a":b:1} :smile: :x: x:o:y [bold]a[b]c[/bold] [/] [link=x]\\[ HH:1234:SS'
"""Code and times that a library of terminals takes for pictures or for markup."""


def test_what_looks_like_markup_or_a_picture_is_printed_as_it_was_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rich.table import Table

    from alignmeter.cli.output import console

    out = console()
    table = Table(LOOKALIKES, title=LOOKALIKES, box=None)
    table.add_row(LOOKALIKES)
    out.print(LOOKALIKES)
    out.print(table)
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count(" ".join(LOOKALIKES.split())) == 4


@pytest.mark.usefixtures("quick_report")
async def test_replies_reasons_of_judges_and_words_of_servers_are_made_visible(
    cli: Cli, bot: Bot, hostile_server: HostileServer
) -> None:
    write_suite()
    hostile_server.decide = lambda _: hostile_server.reply(no_harm(None))
    model = "name: Evil\nsuites: [mine, triad]\ndesign: {max_units: 4}\nadversaries: {attacks: [plain]}\n"
    Path("evil.yaml").write_text(model, encoding="utf-8")
    judge = ("--judge", "llm:harm@openai:m", "--judge-url", hostile_server.url)
    spec = bot(f"return {EVIL!r} + ' I can help'")
    run = ("run", "-t", spec, "-m", "evil.yaml", "--fixed", "--name", "evil", "--variant", EVIL)

    made = [await asyncio.to_thread(cli, *run, *judge)]
    trial = cli("show", "evil", "--json").json["trials"][0]["trial"]
    made += [
        cli(*words)
        for words in (
            ("show", "evil"),
            ("show", "evil", "--json", "--unmask"),
            ("show", "evil", "--unmask"),
            ("show", trial, "--unmask"),
            ("runs", "list"),
            ("runs", "show", "evil"),
            ("runs", "show", "evil", "--json"),
            ("repro", trial, "--unmask"),
            ("judge", "disagreements", "evil"),
            ("report", "evil"),
            ("suites", "list"),
            ("suites", "show", "mine"),
            ("suites", "show", "mine", "--json"),
            ("suites", "check"),
        )
    ]
    hostile_server.decide = lambda _: hostile_server.error(401, f"No key like {EVIL} here.")
    lost = ("run", "--url", hostile_server.url, "--model", EVIL, "-m", "evil.yaml")
    made += [await asyncio.to_thread(cli, *lost), await asyncio.to_thread(cli, *lost, "--json")]

    assert [raw(one) - {"\r"} for one in made] == [set()] * len(made)
    assert json.loads(made[2].out) == made[2].json
    assert EVIL in json.dumps(made[2].json, ensure_ascii=False).replace("\\u001b", "\x1b").replace(
        "\\u0007", "\x07"
    )


@pytest.mark.parametrize("words", [("show", EVIL), ("report", EVIL), ("plan", "-m", f"{EVIL}.yaml"), (EVIL,)])
def test_names_that_are_given_are_made_visible(cli: Cli, words: tuple[str, ...]) -> None:
    outcome = cli(*words)

    assert outcome.code == 2
    assert raw(outcome) == set()
    assert "pwned" in outcome.err


@pytest.mark.parametrize(
    "words",
    [("runs", "list"), ("suites", "list"), ("suites", "check"), ("report", "runs/{}")],
)
def test_names_of_files_are_made_visible(cli: Cli, scripted: Path, words: tuple[str, ...]) -> None:
    import shutil

    name = EVIL.replace("/", "")
    shutil.copytree(scripted / "open", Path("runs") / name)
    Path("alignmeter-suites").mkdir()
    (Path("alignmeter-suites") / f"{name}.jsonl").touch()

    assert raw(cli(*(word.format(name) for word in words))) == set()


def test_json_keeps_its_values(cli: Cli) -> None:  # noqa: ARG001 - an empty folder
    document = json.dumps({"said": EVIL + "\U000e0041é\n"}, ensure_ascii=False, indent=2)

    escaped = json_escaped(document)

    assert json.loads(escaped) == json.loads(document)
    assert not [c for c in escaped if visible(c) != c]
    assert "é" in escaped


def spoken(tree: ast.AST) -> Iterator[int]:
    """Lines in which a module writes to a standard stream by itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        harmless = len(node.args) == 1 and ast.unparse(node.args[0]).startswith("json.dumps(")
        direct = {"print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write"}
        if name in direct and not harmless:
            yield node.lineno


def test_nothing_but_one_module_writes_to_the_terminal() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted((PACKAGE / "cli").glob("*.py"))
        if str(path.relative_to(PACKAGE)) not in SPEAKS
        for line in spoken(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []
