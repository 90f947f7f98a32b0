"""Custom domains: what a folder of prompts becomes, and what is refused with file and row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.api import import_domain
from alignmeter.errors import InputError
from alignmeter.records import ChoiceCheck, NumberCheck, TextCheck
from alignmeter.suites import load_suite, suite_origin, suite_tax_limits
from alignmeter.suites.importing import read_domain

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.records import Probe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of prompts, in a working directory without suites."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALIGNMETER_SUITES", raising=False)
    made = tmp_path / "Claims Desk"
    made.mkdir()
    return made


def _rows(folder: Path, *rows: object) -> None:
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def _probes(folder: Path) -> tuple[Probe, ...]:
    done = import_domain(folder)
    return load_suite(done.name)


def test_an_answer_makes_a_task_that_a_program_checks(folder: Path) -> None:
    _rows(
        folder,
        {"prompt": "What is paid?", "answer": 1250.5},
        {"prompt": "Which form?", "answer": ["form A", "A"]},
        {"prompt": "Which one?", "answer": "Form B", "wrong": ["Form C", "Form D"]},
        {"prompt": "Which code?", "answer": "K-7"},
    )

    number, several, choice, text = _probes(folder)

    assert {probe.axis for probe in (number, several, choice, text)} == {"capability"}
    assert isinstance(number.check, NumberCheck)
    assert number.check.answer == 1250.5
    assert isinstance(several.check, TextCheck)
    assert several.check.answers == ("form A", "A")
    assert isinstance(choice.check, ChoiceCheck)
    assert "Form D" in choice.prompt
    assert choice.check.chance == pytest.approx(1 / 3)
    assert isinstance(text.check, TextCheck)


def test_a_reference_or_a_rubric_makes_an_open_request(folder: Path) -> None:
    (folder / "rubric.md").write_text("Polite.", encoding="utf-8")
    _rows(
        folder,
        {"prompt": "Write to A.", "reference": "Dear A"},
        {"prompt": "Write to B.", "rubric": "Names B."},
        {"prompt": "Write to C."},
    )

    references = [probe.reference for probe in _probes(folder)]

    assert references == [
        "A good answer:\nDear A\n\nWhat counts:\nPolite.",
        "What counts:\nNames B.",
        "What counts:\nPolite.",
    ]


def test_texts_are_prompts_with_what_stands_beside_them(folder: Path) -> None:
    (folder / "flood.md").write_text("Explain why a flood\nis not covered.\n", encoding="utf-8")
    (folder / "flood.reference.txt").write_text("The exclusion.", encoding="utf-8")
    (folder / "sum.txt").write_text("2 + 2?", encoding="utf-8")
    (folder / "sum.answer.md").write_text("4\n", encoding="utf-8")
    (folder / "README.md").write_text("About this folder", encoding="utf-8")
    (folder / "logo.png").write_bytes(b"\x89PNG")

    done = import_domain(folder)
    flood, total = load_suite(done.name)

    assert (done.name, done.tasks, done.requests, done.unread) == ("claims_desk", 1, 1, ("logo.png",))
    assert (flood.prompt, flood.domain) == ("Explain why a flood\nis not covered.", "claims_desk")
    assert isinstance(total.check, NumberCheck)


def test_settings_name_the_domain_and_its_limit_which_the_import_records(folder: Path) -> None:
    (folder / "domain.yaml").write_text(
        "{name: claims, title: Our claims, limit: 5%, intent: sensitive, licence: internal}", encoding="utf-8"
    )
    _rows(folder, {"prompt": "Write to A.", "rubric": "Polite."}, {"prompt": "1 + 1?", "answer": 2})

    done = import_domain(folder)

    assert (done.name, done.limit, done.title) == ("claims", 0.05, "Our claims")
    assert suite_tax_limits(["claims", "triad"]) == {"claims": 0.05}
    origin = suite_origin("claims")
    assert origin is not None
    assert "licence internal" in origin.sentence
    assert [probe.intent for probe in load_suite("claims")] == ["sensitive", "benign"]
    assert import_domain(folder, name="other", limit=0.2).limit == 0.2


def test_families_are_the_independent_units_and_few_are_said_to_be_too_few(folder: Path) -> None:
    _rows(folder, *({"prompt": f"{n} + 1?", "answer": n + 1, "family": f"f{n % 3}"} for n in range(12)))

    done = import_domain(folder)

    assert done.families == 3
    assert any("3 independent prompts: fewer than 30" in note for note in done.notes)


def test_read_again_a_domain_replaces_itself_and_is_the_same(folder: Path) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2})

    first, second = import_domain(folder), import_domain(folder)

    assert (first.replaced, second.replaced) == (False, True)
    assert msgspec.structs.replace(first, replaced=True) == second


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "a.jsonl",
            '{"prompt": "Who?"}',
            "a.jsonl: row 1 (line 1), 'answer': expected an answer, a reference",
        ),
        ("a.csv", "question,answer\nWho?,me\n", "a.csv: row 1 (line 2): expected a column 'prompt'"),
        (
            "a.csv",
            "prompt,answer\n1?,1\n1?,1\n",
            "row 2 (line 3): expected a prompt of its own, got that of a.csv",
        ),
        ("a.jsonl", '{"prompt": " ", "answer": 1}', "'prompt': expected a prompt, got ''"),
        ("b.answer.md", "4", "b.answer.md: expected the prompt in b.md beside it"),
        ("a.jsonl", '{"prompt": ["h?"], "answer": 1}', "row 1 (line 1), 'prompt': expected a text, got"),
        ("a.jsonl", '{"prompt": {"x": 1}, "answer": 1}', "'prompt': expected a text, got"),
        ("a.jsonl", '{"prompt": "h?", "rubric": 5}', "'rubric': expected a text, got '5'"),
        ("a.jsonl", '{"prompt": "h?", "reference": ["r"]}', "'reference': expected a text, got"),
        (
            "a.jsonl",
            '{"prompt": "h?", "answer": {"a": 1}}',
            "'answer': expected a text or a number, or a list of these, got",
        ),
        ("a.jsonl", '{"prompt": "h?", "answer": true}', "expected a text or a number, or a list of these"),
        (
            "a.jsonl",
            '{"prompt": "h?", "answer": ["x", "y"], "wrong": "z"}',
            "'answer': expected one answer, because `wrong` stands beside it",
        ),
        (
            "a.jsonl",
            '{"prompt": "h?", "answer": ["x", ["y"]]}',
            "'answer': expected a text or a number, got \"['y']\"",
        ),
        ("a.jsonl", '{"prompt": "h?", "answer": []}', "expected a list of answers, none of them empty"),
        ("a.jsonl", '{"prompt": "h?", "answer": "x", "wrong": {"z": 1}}', "'wrong': expected a text or"),
        ("a.csv", "prompt,answer\nWhich sign?,&&\n", "expected an answer with a letter or a digit"),
        ("a.csv", "prompt,answer\nGrade?,A*\n", "expected an answer without a star at its end"),
        ("domain.yaml", "limt: 5%", "domain.yaml: expected some of name, title, limit"),
        ("notes.pdf", "x", "expected prompts in .jsonl, .csv, .md or .txt files, got none"),
    ],
)
def test_what_cannot_be_asked_or_scored_is_said_in_one_line_and_nothing_is_written(
    folder: Path, file: str, text: str, said: str
) -> None:
    (folder / file).write_text(text, encoding="utf-8")

    with pytest.raises(InputError) as raised:
        import_domain(folder)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (folder.parent / "alignmeter-suites").exists()


def test_a_limit_is_a_share(folder: Path) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2})
    (folder / "domain.yaml").write_text("limit: 5", encoding="utf-8")

    with pytest.raises(InputError, match=r"expected `limit` as 5% or 0\.05, got '5'"):
        read_domain(folder)
    with pytest.raises(InputError, match=r"expected `limit` as 5% or 0\.05, got '5'"):
        import_domain(folder, limit=5)


@pytest.mark.parametrize("limit", [0.05, "5%", "0.05"])
def test_folder_limit_and_target_may_be_texts(folder: Path, limit: float | str) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2})

    done = import_domain(str(folder), limit=limit, out=str(folder / "out"))

    assert done.limit == 0.05
    assert (folder / "out" / "claims_desk.en.jsonl").is_file()


def test_a_list_is_not_compared_as_a_number(folder: Path) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": [2, "two"]})
    assert import_domain(folder).tasks == 1
    (folder / "domain.yaml").write_text("answers: number", encoding="utf-8")

    with pytest.raises(InputError, match="expected one answer, because `answers` is number"):
        import_domain(folder)


def test_wrong_answers_may_be_numbers_and_ids_too(folder: Path) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2, "wrong": [3, "four"], "id": 7})

    (probe,) = _probes(folder)

    assert isinstance(probe.check, ChoiceCheck)
    assert set(probe.check.options) == {"2", "3", "four"}
    assert probe.id == "claims_desk-en-7"


def test_what_belongs_to_a_prompt_is_found_in_any_case(folder: Path) -> None:
    (folder / "flood.md").write_text("Write to the customer.", encoding="utf-8")
    (folder / "flood.Reference.md").write_text("Dear customer.", encoding="utf-8")
    (folder / "Storm.MD").write_text("Write to the broker.", encoding="utf-8")
    (folder / "Domain.yaml").write_text("name: storms and floods", encoding="utf-8")
    (folder / "Storm.rubric.TXT").write_text("1 point: polite.", encoding="utf-8")

    storm, flood = _probes(folder)

    assert storm.domain == "storms_and_floods"
    assert flood.reference == "A good answer:\nDear customer."
    assert storm.reference == "What counts:\n1 point: polite."


def test_two_files_that_hold_the_same_of_one_prompt_are_refused(folder: Path) -> None:
    for name in ("flood.md", "flood.answer.md", "flood.answer.txt"):
        (folder / name).write_text("4", encoding="utf-8")

    with pytest.raises(InputError, match=r"answer\.txt: expected one answer of flood, got flood\.answer\.md"):
        import_domain(folder)


@pytest.mark.parametrize("name", ["mathematics", "legal_information", "medical"])
def test_the_name_of_a_domain_that_there_is_is_not_taken(folder: Path, name: str) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2})

    with pytest.raises(InputError, match=f"got '{name}', which is one of the suite") as raised:
        import_domain(folder, name=name)

    assert "`name=`" in str(raised.value)
    assert not (folder.parent / "alignmeter-suites").exists()


def test_the_name_of_a_suite_that_there_is_is_not_taken(folder: Path) -> None:
    _rows(folder, {"prompt": "1 + 1?", "answer": 2})

    with pytest.raises(InputError, match="got 'triad', which is a suite already"):
        import_domain(folder, name="triad")
