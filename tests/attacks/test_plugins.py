"""Attacks of other packages come in by the entry point group `alignmeter.attacks`."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from os import environ
from typing import TYPE_CHECKING

import pytest

from alignmeter.attacks import GROUP, AttackContext, attack_names, get_attack, plugins
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., None]

_SOURCE = '''
from alignmeter.attacks import attack
from alignmeter.records import Message


@attack("secret", attack_class="secret", reference="ours, 2026", pool="held_out")
def secret(request, *, seed, context):
    """Whisper."""
    return (Message(role="user", content=f"Psst. {request}"),)
'''

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package whose entry point names a module of this source."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found: list[EntryPoint] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == GROUP == "alignmeter.attacks"
        return found

    monkeypatch.setattr(plugins, "entry_points", entry_points)

    def make(source: str, module: str = "plugin_of_a_test") -> None:
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        found.append(EntryPoint(f"red_team_{module[-1]}", module, GROUP))

    return make


def test_given_a_plugin_when_its_attack_is_asked_for_then_it_is_there_alone_and_in_compositions(
    install: Install,
) -> None:
    install(_SOURCE)

    found = get_attack("secret")

    assert (found.attack_class, found.pool, found.summary) == ("secret", "held_out", "Whisper.")
    messages = get_attack("rot13 | secret").render("no", seed=1, context=AttackContext())
    assert messages[-1].content.startswith("Psst. ")
    assert "secret" in attack_names()


def test_given_a_plugin_when_only_built_in_attacks_are_used_then_it_is_not_imported(install: Install) -> None:
    install("raise RuntimeError('imported')")
    assert get_attack("roleplay | base64").name == "roleplay | base64"
    assert "plugin_of_a_test" not in sys.modules


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module_here", "ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit(3)"),
        ("raise ValueError('two\\nlines')", "two"),
        (_SOURCE.replace('"secret", attack', '"roleplay", attack'), "'roleplay' is registered twice"),
    ],
)
def test_given_a_broken_plugin_when_an_unknown_name_is_asked_for_then_one_line_names_it(
    install: Install, source: str, why: str
) -> None:
    install(source)
    for ask in (lambda: get_attack("secret"), attack_names, attack_names):
        with pytest.raises(InputError) as caught:
            ask()
        message = str(caught.value)
        assert message.startswith("attack plugin 'red_team_t' (plugin_of_a_test) cannot be loaded: ")
        assert why in message
        assert message.endswith("mend it or uninstall its package")
        assert "\n" not in message


def test_given_two_plugins_when_names_are_listed_then_each_is_imported_once(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = "import os\nos.environ['PLUGIN_IMPORTS'] += 'x'\n"
    monkeypatch.setenv("PLUGIN_IMPORTS", "")
    install(counting + _SOURCE)
    install(counting, module="plugin_of_a_test_2")
    attack_names()
    attack_names()
    assert environ["PLUGIN_IMPORTS"] == "xx"
