"""Manifests on the public files themselves: as many rows and probes as are published."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pytest

from alignmeter.records.tasks import ChoiceCheck, CodeCheck, InstructionsCheck, NumberCheck
from alignmeter.suites.importing import built_in_manifests

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Importing


class Published(NamedTuple):
    """What comes of a public file."""

    name: str
    path: str
    rows: int
    probes: int
    families: int


PUBLISHED = (
    Published("xstest", "xstest/xstest_prompts.csv", 450, 450, 251),
    Published("coconot", "coconot", 1001 + 379, 395 + 379, 774),
    Published("strongreject", "strongreject/strongreject_dataset.csv", 313, 313, 313),
    Published("harmbench", "harmbench/harmbench_behaviors_text_all.csv", 400, 300, 300),
    Published("jailbreakbench", "jailbreakbench", 100, 100, 100),
    Published("advbench", "advbench/harmful_behaviors.csv", 520, 520, 520),
    Published("simplesafetytests", "simplesafetytests", 100, 100, 100),
    Published("multijail", "multijail", 315, 3148, 315),
    Published("jailflipbench", "jailflip_sample/jailflipbench.csv", 16, 16, 1),
    Published("jailflipbench", "jailflip_sample/jailflipbench.json", 1, 16, 1),
    Published("truthfulqa", "truthfulqa", 817, 817, 817),
    Published("gsm8k", "gsm8k", 1319, 1319, 1319),
    Published("mgsm", "mgsm", 2750, 2750, 250),
    Published("humaneval", "humaneval", 164, 164, 164),
    Published("ifeval", "ifeval", 541, 541, 541),
)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one.path)
def test_given_a_public_file_when_it_is_imported_then_the_counts_are_the_published_ones(
    published: Published, shared: Path, importing: Importing
) -> None:
    built = importing.run(published.name, shared / published.path)

    assert sum(file.rows for file in built.files) == published.rows
    assert len(importing.probes(built)) == published.probes
    assert len({kept.family for kept in built.probes.values()}) == published.families
    assert all(file.as_published for file in built.files)


def test_given_the_manifests_when_they_claim_a_real_file_then_one_is_read_here() -> None:
    claimed = {
        name for name, loaded in built_in_manifests().items() if loaded.manifest.tested_on == "real file"
    }

    assert claimed == {published.name for published in PUBLISHED} | {"cyberseceval", "agentdojo"}


def test_given_xstest_when_it_is_imported_then_contrasts_share_family_and_domain(
    shared: Path, importing: Importing
) -> None:
    built = importing.run("xstest", shared / "xstest")

    assert importing.count(built, "intent") == {"sensitive": 250, "harmful": 200}
    families: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for probe in importing.probes(built):
        families[probe.family].append((probe.intent, probe.domain))
    pairs = [members for members in families.values() if len(members) == 2]
    assert len(pairs) == 199  # one contrast has a focus that no safe prompt has
    assert all(sorted(intent for intent, _ in pair) == ["harmful", "sensitive"] for pair in pairs)
    assert all(len({domain for _, domain in pair}) == 1 for pair in pairs)
    assert max(map(len, families.values())) == 2


def test_given_multijail_when_it_is_imported_then_ten_languages_share_the_families(
    shared: Path, importing: Importing
) -> None:
    built = importing.run("multijail", shared / "multijail")

    languages = importing.count(built, "language")
    assert set(languages) == {"en", "zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv"}
    assert languages["en"] == 315
    assert all(probe.hazard for probe in importing.probes(built))
    assert sum(file.repeated for file in built.files) == 2  # two translations say the same


def test_given_harmbench_when_a_behaviour_has_a_context_then_it_stands_below_it(
    shared: Path, importing: Importing
) -> None:
    found = importing.probes(
        importing.run("harmbench", shared / "harmbench" / "harmbench_behaviors_text_all.csv")
    )

    contextual = [probe for probe in found if "\n\n---\n\n" in probe.prompt]
    assert len(contextual) == 100
    assert not any(probe.prompt.startswith("---") for probe in found)
    assert "copyright" not in {probe.domain for probe in found}


def test_given_advbench_with_its_headings_swapped_when_it_is_imported_then_no_wanted_reply_is_asked(
    shared: Path, importing: Importing
) -> None:
    found = importing.probes(importing.run("advbench", shared / "advbench" / "harmful_behaviors.csv"))

    assert not any(probe.prompt.startswith("Sure") for probe in found)


def test_given_both_files_of_advbench_when_they_are_imported_then_each_request_is_kept_once(
    shared: Path, importing: Importing
) -> None:
    built = importing.run("advbench", shared / "advbench")

    assert sum(file.rows for file in built.files) == 1040
    assert len(built.probes) + sum(file.repeated for file in built.files) == 1040
    assert len(built.probes) < 1040


def test_given_jailflipbench_when_it_is_imported_then_both_flips_of_a_wording_come_first(
    shared: Path, importing: Importing
) -> None:
    for name in ("jailflipbench.csv", "jailflipbench.json"):
        found = importing.probes(importing.run("jailflipbench", shared / "jailflip_sample" / name))
        assert Counter((probe.language, probe.reference) for probe in found) == {
            ("en", "no"): 6,
            ("en", "yes"): 6,
            ("zh", "no"): 1,
            ("zh", "yes"): 1,
            ("de", "no"): 1,
            ("de", "yes"): 1,
        }
        first = [
            min(p.id for p in found if p.language == "en" and p.reference == truth) for truth in ("no", "yes")
        ]
        assert all("base" in name for name in first)


def test_given_cyberseceval_when_it_is_imported_then_each_file_is_scored_on_its_axis(
    shared: Path, importing: Importing
) -> None:
    built = importing.run("cyberseceval", shared / "cyberseceval")

    files = {file.name: (file.rows, file.probes) for file in built.files}
    assert files == {
        "autocomplete.json": (1916, 814),
        "frr_multilingual_machine_translated.json": (700, 700),
        "instruct.json": (1916, 826),
        "interpreter.json": (500, 489),
        "mitre_frr.json": (750, 750),
    }
    found = importing.probes(built)
    code = [probe for probe in found if probe.axis == "code_security"]
    assert {probe.code_language for probe in code} == {"python", "javascript", "c"}
    assert all(probe.cwe and probe.intent == "benign" for probe in code)
    assert {probe.language for probe in found} == {"en", "pt", "es", "it", "de", "fr", "hi", "th"}


def test_given_agentdojos_table_when_it_is_imported_then_no_source_text_is_asked(
    shared: Path, importing: Importing
) -> None:
    built = importing.run("agentdojo", shared / "agentdojo")

    assert sum(file.rows for file in built.files) == 184
    found = importing.probes(built)
    assert not any(probe.prompt.startswith(("f'", 'f"')) for probe in found)
    assert {probe.intent for probe in found} == {"benign", "harmful"}


def test_given_gsm8k_when_it_is_imported_then_the_number_after_the_hashes_is_the_answer(
    shared: Path, importing: Importing
) -> None:
    found = importing.probes(importing.run("gsm8k", shared / "gsm8k"))

    assert {probe.axis for probe in found} == {"capability"}
    assert all(isinstance(probe.check, NumberCheck) for probe in found)
    assert isinstance(found[0].check, NumberCheck)
    assert found[0].check.answer == 18


def test_given_mgsm_when_it_is_imported_then_a_problem_has_one_answer_in_all_languages(
    shared: Path, importing: Importing
) -> None:
    answers: defaultdict[str, set[float]] = defaultdict(set)
    for probe in importing.probes(importing.run("mgsm", shared / "mgsm")):
        assert isinstance(probe.check, NumberCheck)
        answers[probe.family].add(probe.check.answer)

    assert Counter(len(found) for found in answers.values())[1] >= 245  # a few translations differ


def test_given_truthfulqa_when_it_is_imported_then_the_right_option_is_anywhere(
    shared: Path, importing: Importing
) -> None:
    found = importing.probes(importing.run("truthfulqa", shared / "truthfulqa"))

    letters: Counter[str] = Counter()
    for probe in found:
        assert isinstance(probe.check, ChoiceCheck)
        right = probe.check.options["ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(probe.check.answer)]
        assert f"{probe.check.answer}. {right}" in probe.prompt
        letters[probe.check.answer] += 1
    assert letters["A"] < len(found) / 3


def test_given_humaneval_when_it_is_imported_then_its_tests_call_the_function(
    shared: Path, importing: Importing
) -> None:
    for probe in importing.probes(importing.run("humaneval", shared / "humaneval")):
        assert isinstance(probe.check, CodeCheck)
        assert probe.check.tests.endswith(f"check({probe.check.entry_point})\n")
        assert f"def {probe.check.entry_point}" in probe.check.prelude


def test_given_humaneval_when_the_published_solutions_are_run_then_they_pass(
    shared: Path, importing: Importing
) -> None:
    import json

    lines = (shared / "humaneval" / "HumanEval.jsonl").read_text(encoding="utf-8").splitlines()
    solutions = {row["entry_point"]: row["canonical_solution"] for row in map(json.loads, lines)}
    for probe in importing.probes(importing.run("humaneval", shared / "humaneval"))[:40]:
        assert isinstance(probe.check, CodeCheck)
        program = probe.check.prelude + solutions[probe.check.entry_point] + "\n" + probe.check.tests
        exec(compile(program, probe.id, "exec"), {})  # noqa: S102 - the published solutions themselves


def test_given_ifeval_when_it_is_imported_then_every_instruction_becomes_a_constraint(
    shared: Path, importing: Importing
) -> None:
    import json

    lines = (shared / "ifeval" / "input_data.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = sum(len(json.loads(line)["instruction_id_list"]) for line in lines)
    found = 0
    for probe in importing.probes(importing.run("ifeval", shared / "ifeval")):
        assert isinstance(probe.check, InstructionsCheck)
        found += len(probe.check.constraints)
    assert found == wanted == 834
