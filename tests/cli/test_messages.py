"""Messages name parameters to who calls from Python, and options to who types them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

import alignmeter
from alignmeter.cli.app import app
from alignmeter.cli.given import CALLED, in_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Cli

SOURCE = Path(alignmeter.__file__).parent
LIBRARY = tuple(path for path in SOURCE.rglob("*.py") if "cli" not in path.relative_to(SOURCE).parts)
PARAMETER = re.compile(r"`([a-z_]+)=[^`]*`")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
OF_OTHER_TOOLS = {"--log-samples", "--log_samples"}


def texts(node: ast.AST) -> Iterator[str]:
    """The texts under a node, an ellipsis for what is put in."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(p.value) if isinstance(p, ast.Constant) else "..." for p in node.values)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def errors() -> Iterator[tuple[str, str]]:
    """The messages of all errors that are made in the library, with the file."""
    for path in LIBRARY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id.endswith("Error")
            ):
                for argument in (*node.args, *(one.value for one in node.keywords)):
                    yield from ((path.name, text) for text in texts(argument))


def options(command: Any) -> set[str]:  # noqa: ANN401 - Typer's own classes
    """All options of a command and of those below it."""
    below = getattr(command, "commands", {}).values()
    return {name for one in command.params for name in one.opts}.union(*map(options, below))


def test_no_error_of_the_library_names_an_option_of_the_command_line() -> None:
    found = list(errors())
    named = [
        (file, option)
        for file, text in found
        for option in OPTION.findall(re.sub(r"`[^`]*`", "", text))
        if option not in OF_OTHER_TOOLS
    ]

    assert len(found) > 500
    assert named == []


def test_every_parameter_that_a_message_names_is_an_option_of_some_command() -> None:
    known = options(typer.main.get_command(app))
    named = {name for _, text in errors() for name in PARAMETER.findall(text)}

    assert len(named) > 20
    assert {name for name in named if in_options(f"`{name}=`") not in known} == set()
    assert set(CALLED) <= named


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("`smoke=True` asks twenty trials", "--smoke asks twenty trials"),
        ("go on with `same_system=True`", "go on with --same-system"),
        ("give another `name=`", "give another --name"),
        ("`format=csv` or jsonl", "--format csv or jsonl"),
        ("name one with `specs=`", "name one with --judge"),
        ("correct `family` in `domain.yaml`", "correct `family` in `domain.yaml`"),
        ("`alignmeter run --fixed` asks all", "`alignmeter run --fixed` asks all"),
    ],
)
def test_a_parameter_is_said_as_its_option(message: str, said: str) -> None:
    assert in_options(message) == said


def test_the_same_fault_is_told_in_python_and_at_the_command_line(cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(alignmeter.InputError, match=r"^`smoke=True` asks twenty trials, `fixed"):
        alignmeter.run(alignmeter.RunRequest(target="replay:x", runs=tmp_path, smoke=True, fixed=True))

    outcome = cli("run", "--smoke", "--fixed")
    assert outcome.complaint == (
        "error: --smoke asks twenty trials, --fixed asks all of them; leave one of the two out"
    )
    assert "--smoke asks" in cli("run", "--smoke", "--fixed", "--json").json["error"]
