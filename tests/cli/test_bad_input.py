"""Bad input: one line that says what was expected and what to do, exit code 2, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bot, Cli, Finished

THREAT_MODELS = {
    "unknown key": (b"name: x\nlanguagez: {en: 1}\n", "model.yaml:2: key 'languagez'", "'languages'"),
    "bad percent": (b"name: x\nlanguages: {en: 110%}\n", "model.yaml:2: languages.en", "got '110%'"),
    "unknown suite": (b"name: x\nlanguages: {en: 1}\nsuites: [traid]\n", "suite 'traid'", "triad"),
    "binary": (b"\x80\x81\x82\x00", "model.yaml:1: not UTF-8", "save the file as UTF-8"),
    "empty": (b"", "the file is empty", "name:"),
}


@pytest.mark.parametrize(("content", "where", "what"), THREAT_MODELS.values(), ids=THREAT_MODELS.keys())
def test_a_threat_model_that_does_not_validate_names_the_place_and_the_remedy(
    cli: Cli, tmp_path: Path, content: bytes, where: str, what: str
) -> None:
    (tmp_path / "model.yaml").write_bytes(content)

    for command in (("plan",), ("run", "-t", "python:b:a")):
        outcome = cli(*command, "-m", "model.yaml")

        assert outcome.code == 2
        assert where in outcome.complaint
        assert what in outcome.complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("path", "what"), [("none.yaml", "no such file"), (".", "is a directory")])
def test_a_threat_model_that_is_no_file_says_so(cli: Cli, path: str, what: str) -> None:
    outcome = cli("plan", "-m", path)

    assert outcome.code == 2
    assert what in outcome.complaint


TARGETS = {
    "unknown kind": (("-t", "emebdded"), "nearest: 'embedded'"),
    "no function named": (("-t", "python:bot"), "expected python:MODULE:FUNCTION"),
    "module missing": (("-t", "python:no_such_bot:answer"), "no module 'no_such_bot' found"),
    "url without model": (("--url", "http://localhost:1/v1"), "--url needs --model NAME"),
    "model beside another target": (("--model", "x", "-t", "python:b:a"), "leave one out"),
    "url of another protocol": (("--url", "ftp://x", "--model", "m"), "http://localhost:8000/v1"),
    "url with a password": (("--url", "http://u:hunter22@x", "--model", "m"), "user name or password"),
    "key variable not set": (("--model", "m", "--api-key-env", "NOT_SET"), "export NOT_SET="),
    "key in place of its name": (("--model", "m", "--api-key-env", "sk-hunter22"), "name of an environment"),
    "replay of no run": (("-t", "replay:nowhere"), "no run 'nowhere' here or under"),
    "weights missing": (("-t", "embedded:none.gguf"), "none.gguf"),
}


@pytest.mark.parametrize(("options", "what"), TARGETS.values(), ids=TARGETS.keys())
def test_a_target_that_is_not_understood_says_what_to_give(
    cli: Cli, tmp_path: Path, options: tuple[str, ...], what: str
) -> None:
    outcome = cli("run", *options)

    assert outcome.code == 2
    assert what in outcome.complaint
    assert "hunter22" not in outcome.complaint
    assert not (tmp_path / "runs").exists()


def test_a_python_target_names_the_functions_that_there_are(cli: Cli, bot: Bot) -> None:
    outcome = cli("run", "-t", bot('return "x"').replace(":answer", ":anser"))

    assert outcome.code == 2
    assert "no function 'anser'; it has: answer" in outcome.complaint


def test_a_module_that_fails_to_import_quotes_its_error_on_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "broken_bot.py").write_text("raise RuntimeError('no\\nlicence')\n")

    outcome = cli("run", "-t", "python:broken_bot:answer")

    assert outcome.code == 2
    assert "importing 'broken_bot' raised RuntimeError: no licence" in outcome.complaint


def test_a_module_that_ends_the_process_is_a_failure_and_no_verdict(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "quitting_bot.py").write_text("raise SystemExit(0)\n")

    outcome = cli("run", "-t", "python:quitting_bot:answer")

    assert outcome.code == 5
    assert "sys.exit(0)" in outcome.complaint


FILES = {
    "few-shot line": ("--few-shot", '{"user": "a", "assistant": "b"}\n{"user": 1}\n', "file.txt:2: expected"),
    "few-shot empty": ("--few-shot", "", "is empty"),
    "system prompt empty": ("--system-prompt", " \n", "is empty"),
}


@pytest.mark.parametrize(("option", "content", "what"), FILES.values(), ids=FILES.keys())
def test_a_file_of_a_variant_is_checked_before_anything_is_asked(
    cli: Cli, tmp_path: Path, option: str, content: str, what: str
) -> None:
    (tmp_path / "file.txt").write_text(content)

    outcome = cli("run", "-t", "python:b:a", option, "file.txt")

    assert outcome.code == 2
    assert what in outcome.complaint


@pytest.mark.parametrize("option", ["--few-shot", "--system-prompt"])
def test_a_file_that_is_missing_is_named(cli: Cli, helpful: str, option: str) -> None:
    outcome = cli("run", "-t", helpful, option, "none.txt")

    assert outcome.code == 2
    assert "'none.txt' does not exist" in outcome.complaint


NUMBERS = {
    "--temperature": ("nan", "inf", "-1", "warm"),
    "--max-tokens": ("0", "-5", "many", "1.5"),
    "--timeout": ("0", "inf", "nan"),
    "--concurrency": ("0",),
    "--rpm": ("0", "inf"),
    "--budget-calls": ("0", "-1"),
    "--budget-money": ("nan", "-1"),
    "--price-prompt": ("inf",),
    "--seed": ("-1", "x"),
    "--max-attempts": ("0",),
}


@pytest.mark.parametrize(("option", "text"), [(name, text) for name, bad in NUMBERS.items() for text in bad])
def test_a_number_out_of_range_is_quoted_with_what_was_expected(cli: Cli, option: str, text: str) -> None:
    outcome = cli("run", "-t", "python:b:a", option, text)

    assert outcome.code == 2
    assert f"'{option}': expected" in outcome.complaint
    assert f"got '{text}'" in outcome.complaint
    assert "alignmeter run --help" in outcome.complaint


OPTIONS = {
    "money without prices": (("--budget-money", "1"), "--price-prompt"),
    "name with a slash": (("--name", "../x"), "plain folder name"),
    "name with a line feed": (("--name", "a\nb"), "plain folder name"),
    "no name": (("--name", ""), "plain folder name"),
    "resume of no run": (("--resume", "nothing"), "no run 'nothing'"),
}


@pytest.mark.parametrize(("options", "what"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_that_make_no_sense_are_refused(
    cli: Cli, helpful: str, tmp_path: Path, options: tuple[str, ...], what: str
) -> None:
    outcome = cli("run", "-t", helpful, *options)

    assert outcome.code == 2
    assert what in outcome.complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("options", [("--resume", "first", "--name", "x"), ("--resume", "first", "--fresh")])
def test_resume_contradicts_a_new_name_and_a_fresh_start(
    cli: Cli, helpful: str, finished: Finished, options: tuple[str, ...]
) -> None:
    outcome = cli("run", "-t", helpful, "--runs", finished.runs, *options)

    assert outcome.code == 2
    assert "leave --name and --fresh out" in outcome.complaint


def test_fresh_never_goes_on_with_a_run_of_that_name(cli: Cli, helpful: str, finished: Finished) -> None:
    outcome = cli("run", "-t", helpful, "--runs", finished.runs, "--fresh", "--name", "first")

    assert outcome.code == 2
    assert "give another --name" in outcome.complaint


@pytest.mark.parametrize("command", [("show",), ("report",), ("runs", "show")], ids=" ".join)
def test_a_run_that_does_not_exist_names_the_nearest(
    cli: Cli, finished: Finished, command: tuple[str, ...]
) -> None:
    for mistyped in ("frist", "fir"):
        outcome = cli(*command, mistyped, "--runs", finished.runs)

        assert outcome.code == 2
        assert f"no run '{mistyped}'" in outcome.complaint
        assert "nearest: 'first'" in outcome.complaint


def test_latest_without_any_run_says_how_to_make_one(cli: Cli) -> None:
    outcome = cli("show")

    assert outcome.code == 2
    assert "`alignmeter run` makes one" in outcome.complaint


def test_a_claim_that_does_not_exist_names_the_nearest_and_all(cli: Cli, finished: Finished) -> None:
    outcome = cli("show", finished.path, "--claim", "atack_compliance")

    assert outcome.code == 2
    assert "nearest: 'attack_compliance'; it has: attack_compliance, false_refusal" in outcome.complaint


@pytest.mark.parametrize(("prefix", "what"), [("abc", "at least 4 characters"), ("zzzz", "no trial 'zzzz'")])
def test_a_trial_that_is_not_found_says_why(cli: Cli, finished: Finished, prefix: str, what: str) -> None:
    outcome = cli("repro", prefix, "--runs", finished.runs)

    assert outcome.code == 2
    assert what in outcome.complaint


def test_a_trial_prefix_that_fits_several_asks_for_more(
    cli: Cli, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alignmeter.cli.locate._SHORTEST_PREFIX", 1)
    ids = [trial.id for trial in RunFolder.open(finished.path).read().trials]
    first = ids[0][0]
    count = sum(trial.startswith(first) for trial in ids)

    outcome = cli("repro", first, "--run", finished.path)

    assert count > 1
    assert outcome.code == 2
    assert f"'{first}' fits {count} trials" in outcome.complaint


def test_a_preset_that_does_not_exist_names_the_nearest(cli: Cli) -> None:
    outcome = cli("init", "--preset", "medicla")

    assert outcome.code == 2
    assert "nearest: 'medical'" in outcome.complaint


def test_init_never_overwrites_unless_told_to(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")

    refused = cli("init", "-o", "mine.yaml")

    assert refused.code == 2
    assert "--force" in refused.complaint
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert cli("init", "-o", "mine.yaml", "--force").code == 0
    assert (tmp_path / "mine.yaml").read_text() != "precious"


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (
            "nowhere/x.yaml",
            "expected a file in a folder that exists, got 'nowhere/x.yaml'; make 'nowhere' first",
        ),
        ("in_the_way/x.yaml", "expected a file in a folder that exists"),
        ("folder.yaml", "expected a file, got the folder 'folder.yaml'"),
        ("folder", "expected a file that ends in .yaml or .yml, got 'folder'"),
        ("models/", "expected a file that ends in .yaml or .yml, got 'models/'"),
        ("threat_model.schema.json", "expected a file that ends in .yaml or .yml"),
        ("", "expected a file that ends in .yaml or .yml, got ''"),
    ],
)
def test_init_makes_a_file_where_it_is_told_to_and_nothing_else(
    cli: Cli, tmp_path: Path, output: str, what: str
) -> None:
    (tmp_path / "in_the_way").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.yaml").mkdir()
    before = sorted(tmp_path.rglob("*"))

    outcome = cli("init", "-o", output)

    assert outcome.code == 2
    assert what in outcome.complaint
    assert sorted(tmp_path.rglob("*")) == before


def test_init_leaves_a_file_of_another_kind_that_has_the_name_of_the_schema(cli: Cli, tmp_path: Path) -> None:
    schema = tmp_path / "threat_model.schema.json"
    schema.write_text('{"mine": 1}')

    refused = cli("init")
    assert refused.code == 2
    assert "'threat_model.schema.json', where the schema goes, is a file of another kind" in refused.complaint
    assert [path.name for path in tmp_path.iterdir()] == [schema.name]
    assert schema.read_text() == '{"mine": 1}'

    assert cli("init", "--force").code == 0
    assert cli("init", "-o", "second.yml").code == 0, "a schema of ours is brought up to date"


def test_init_names_the_file_that_cannot_be_written_and_leaves_no_half(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "threat_model.schema.json").mkdir()

    outcome = cli("init", "--force")

    assert outcome.code == 5
    assert "cannot write 'threat_model.schema.json': Is a directory" in outcome.complaint
    assert not (tmp_path / "threat_model.yaml").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("suites", "show", "traid"), "insecure_code, tax_domains, triad"),
        (("suites", "show", "triad", "--domain", "medcal"), "nearest: 'medical'"),
        (("suites", "show", "triad", "--intent", "evil"), "'benign', 'sensitive', 'harmful'"),
        (("judge", "validate"), "--labels"),
        (("judge", "validate", "--labels", "none.csv"), "no such path"),
        (("doctor", "--url", "http://localhost:1/v1"), "--url needs --model NAME"),
        (("plan", "--seconds-per-call", "nan"), "above 0"),
        (("show", "--limit", "0"), "at least 1"),
        (("serve", "--port", "70000"), "from 0 to 65535"),
    ],
)
def test_other_bad_input_is_one_line_with_what_there_is(cli: Cli, words: tuple[str, ...], what: str) -> None:
    outcome = cli(*words)

    assert outcome.code == 2
    assert what in outcome.complaint


@pytest.mark.parametrize("runs", ["file", "file/runs"])
def test_a_runs_folder_that_cannot_be_made_is_a_failure_before_the_first_call(
    cli: Cli, bot: Bot, tmp_path: Path, runs: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    spec = bot('open("asked", "w"); return "x"')

    outcome = cli("run", "-t", spec, "--smoke", "--runs", runs)

    assert outcome.code == 5
    assert "name a writable one with --runs" in outcome.complaint
    assert not (tmp_path / "asked").exists()


def test_an_error_of_any_kind_is_one_json_document_where_json_was_asked_for(cli: Cli) -> None:
    outcome = cli("show", "nothing", "--json")

    assert (outcome.code, outcome.err) == (2, "")
    assert set(outcome.json) == {"error", "exit_code"}
    assert "no run 'nothing'" in outcome.json["error"]


def test_a_defect_of_our_own_is_one_line_that_says_how_to_report_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by \x1b zero")

    monkeypatch.setattr("alignmeter.api.plan", broken)

    outcome = cli("plan")

    assert outcome.code == 5
    assert "ZeroDivisionError: by ⟦U+001B⟧ zero" in outcome.complaint
    assert "ALIGNMETER_TRACEBACK=1" in outcome.complaint


def test_ctrl_c_outside_a_run_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("alignmeter.api.plan", interrupted)

    assert cli("plan").code == 130
    assert cli("plan", "--json").json["exit_code"] == 130


def test_an_unknown_attack_of_a_threat_model_names_file_and_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tm.yaml").write_text(
        "name: Mine\nadversaries:\n  attacks:\n    roleplay: 1\n    rolplay: 1\n", encoding="utf-8"
    )

    outcome = cli("plan", "-m", "tm.yaml")

    assert outcome.code == 2
    assert outcome.complaint.startswith("error: tm.yaml:5: adversaries.attacks: unknown attack 'rolplay'")
    assert "nearest: 'roleplay'" in outcome.complaint


@pytest.mark.usefixtures("quick_report")
def test_a_recording_is_found_as_every_run_is(cli: Cli, helpful: str) -> None:
    cli("run", "-t", helpful, "--smoke", "--name", "plain")

    named = cli("run", "-t", "replay:plain", "--smoke", "--name", "again", "--json")
    newest = cli("run", "-t", "replay:latest", "--smoke", "--name", "once-more", "--json")
    misspelt = cli("run", "-t", "replay:plan", "--smoke")

    assert named.json["target"]["spec"] == newest.json["target"]["spec"] == "replay:runs/plain"
    assert named.json["results"]["answered"] == 20
    assert misspelt.code == 2
    assert "nearest: 'plain'" in misspelt.complaint
