"""Cycles: begun, kept apart by family, rotated, retired."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError, StorageError
from alignmeter.rotation import (
    Exposure,
    Ledger,
    LedgerRun,
    NewCycle,
    begin_cycle,
    burnt_families,
    by_family,
    cycles,
    find_cycle,
    retire_cycle,
    retire_families,
    reveal_cycle,
    rotation_status,
)
from alignmeter.suites import load_catalogue, load_suite

if TYPE_CHECKING:
    from tests.rotation.conftest import SuiteWriter

    from alignmeter.threat_model import ThreatModel

CYCLES = import_module("alignmeter.rotation.cycles")
KEY = bytes(range(32))
OTHER = bytes(range(1, 33))


def show(home: Path, families: list[str], times: int, *, cycle: str = "cycle_1") -> None:
    """Enter so many runs that showed these families to a remote target."""
    ledger = Ledger(home)
    for number in range(times):
        key = f"run-{cycle}-{number}"
        ledger.begin(LedgerRun(key=key, run=key, path="gone", began_at=1.0, models=(), pools=()))
        ledger.record(
            key,
            [
                Exposure(
                    run=key,
                    cycle=cycle,
                    family=family,
                    target="t",
                    provider="api.example.com",
                    local=False,
                    forced=False,
                    at=1.0,
                )
                for family in families
            ],
            settled=True,
        )


def asked(name: str) -> set[str]:
    """Families of a cycle's suite, as the pool names them."""
    return {probe.family.removeprefix(f"{name}-") for probe in load_suite(name)}


def test_a_cycle_selects_a_quarter_of_each_stratum_and_never_splits_a_family(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    pool = by_family(own_suite(each=20, pairs=8))

    made = begin_cycle(home, NewCycle(suites=("mine",)), model)

    rows = load_suite("cycle_1")
    sizes = Counter(pool[family][0].domain for family in asked("cycle_1"))
    assert sizes == {"cooking": 5, "travel": 5, "security": 2}
    assert all(
        len(members) == len(pool[family]) for family, members in by_family(rows).items() if family in pool
    )
    assert Counter(probe.intent for probe in rows) == {"benign": 10, "sensitive": 2, "harmful": 2}
    assert {probe.pool for probe in rows} == {"rotating"}
    assert made.families == len(asked("cycle_1")) == 12


def test_secrets_are_for_their_owner_and_the_published_part_shows_no_prompt(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    rows = own_suite()

    made = begin_cycle(home, NewCycle(suites=("mine",)), model, key=KEY)
    reveal = reveal_cycle(home, "cycle_1")

    folder = Path(made.path)
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("key", "pool.json")}
    assert modes == {"key": 0o600, "pool.json": 0o600}
    assert Path(made.suite_files[0]).stat().st_mode & 0o777 == 0o600
    public = (folder / "commitment.json").read_text() + (folder / "reveal.json").read_text()
    assert KEY.hex() not in (folder / "commitment.json").read_text()
    assert reveal.key == KEY.hex()
    assert not any(row.prompt in public for row in rows)
    assert "key" in (home / ".gitignore").read_text()


def test_the_same_key_selects_the_same_and_another_key_something_else(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite()
    for name, key in (("a", KEY), ("b", KEY), ("c", OTHER)):
        begin_cycle(home, NewCycle(suites=("mine",), name=name, anchors=0), model, key=key)
        (home / "cycles" / name).rename(home / f"away_{name}")  # as if each were the first

    assert asked("a") == asked("b") != asked("c")


def test_the_next_cycle_keeps_about_thirty_percent_and_asks_others_beside_them(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=40, pairs=20)
    begin_cycle(home, NewCycle(suites=("mine",)), model, key=KEY)

    made = begin_cycle(home, NewCycle(suites=("mine",)), model, key=OTHER)

    both = asked("cycle_1") & asked("cycle_2")
    assert made.commitment.cycle == 2
    assert len(both) == made.anchors == 8
    assert len(asked("cycle_2")) == 25


def test_a_probe_that_was_edited_since_is_no_anchor(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=8, pairs=0)
    begin_cycle(home, NewCycle(suites=("mine",), fraction=1.0), model)
    file = Path("alignmeter-suites/mine.en.jsonl")
    file.write_text(file.read_text().replace("do you like best", "would you choose"))

    made = begin_cycle(home, NewCycle(suites=("mine",), fraction=1.0), model)

    assert (made.families, made.anchors) == (16, 0)


def test_generated_suites_come_out_in_new_words_but_anchors_keep_theirs(
    home: Path, model: ThreatModel
) -> None:
    public = {probe.prompt for probe in load_suite("facts")}
    wanted = NewCycle(suites=("facts",), generate=True)

    begin_cycle(home, wanted, model, key=KEY)
    second = begin_cycle(home, wanted, model, key=OTHER)

    first, then = (by_family(find_cycle(home, name).pool().probes) for name in ("cycle_1", "cycle_2"))
    kept = asked("cycle_1") & asked("cycle_2")
    assert not public & {probe.prompt for members in first.values() for probe in members}
    assert len(kept) == second.anchors > 0
    assert all(first[family] == then[family] for family in kept)
    assert sum(first[family] != then[family] for family in set(first) & set(then)) > len(first) / 2


def test_families_that_are_likely_known_are_selected_no_more(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=6, pairs=0)
    begin_cycle(home, NewCycle(suites=("mine",), fraction=0.5), model)
    show(home, sorted(asked("cycle_1")), 5)

    made = begin_cycle(home, NewCycle(suites=("mine",), fraction=1.0), model)

    assert made.left_out == 6
    assert not asked("cycle_1") & asked("cycle_2")
    assert set(burnt_families(home)) == asked("cycle_1")


def test_a_sequestered_pool_takes_no_family_that_was_ever_shown_outside(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=6, pairs=0)
    show(home, ["mine-cooking-000"], 1, cycle="mine")

    begin_cycle(home, NewCycle(suites=("mine",), kind="sequestered", fraction=1.0), model)

    assert "mine-cooking-000" not in asked("cycle_1")
    assert len(asked("cycle_1")) == 11
    assert {probe.pool for probe in load_suite("cycle_1")} == {"sequestered"}


def test_a_rotating_pool_takes_nothing_from_a_sequestered_one_until_that_is_retired(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=6, pairs=0)
    begin_cycle(home, NewCycle(suites=("mine",), kind="sequestered"), model)

    with pytest.raises(InputError, match="none: all 12 are retired, burnt or held"):
        begin_cycle(home, NewCycle(suites=("mine",)), model)
    retire_cycle(home, "cycle_1", "over")
    made = begin_cycle(home, NewCycle(suites=("mine",), fraction=1.0), model)

    assert not asked("cycle_1") & asked(made.commitment.name)


def test_a_retired_cycle_is_held_out_no_more_and_none_of_it_comes_back(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=8, pairs=4)
    begin_cycle(home, NewCycle(suites=("mine",)), model)
    gone = asked("cycle_1")

    count = retire_cycle(home, "cycle_1", "over")
    begin_cycle(home, NewCycle(suites=("mine",), fraction=1.0), model)

    assert count == len(gone)
    assert {probe.pool for probe in load_suite("cycle_1")} == {"retired"}
    assert not gone & asked("cycle_2")
    assert [cycle.state for cycle in rotation_status(home).cycles] == ["retired", "open"]


def test_single_families_are_retired_by_the_name_of_their_pool(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite(each=4, pairs=0)
    begin_cycle(home, NewCycle(suites=("mine",)), model)

    assert retire_families(home, ["mine-cooking-001"], "quoted") == 1
    assert rotation_status(home).retired == {"mine-cooking-001": "quoted"}
    with pytest.raises(InputError, match="'nothing'"):
        retire_families(home, ["nothing"], "quoted")


def test_a_suite_of_a_cycle_is_asked_only_where_it_is_named(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    from alignmeter.api import selected_suites

    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",)), model)
    unnamed = model.model_copy(update={"suites": None})

    assert "mine" in selected_suites(unnamed)
    assert "cycle_1" not in selected_suites(unnamed)
    assert selected_suites(model.model_copy(update={"suites": ["cycle_1"]})) == ("cycle_1",)


def test_the_threat_model_of_a_cycle_asks_the_cycle(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    from alignmeter.threat_model import load_threat_model

    own_suite()
    made = begin_cycle(home, NewCycle(suites=("mine",)), model)

    assert load_threat_model(made.threat_model) == model.model_copy(update={"suites": ("cycle_1",)})


def test_the_threat_model_of_a_cycle_writes_no_limit_that_its_pool_cannot_hold(
    home: Path, own_suite: SuiteWriter
) -> None:
    """Else every run of a pool would be NOT MEASURED for what other suites ask."""
    from alignmeter.api import plan
    from alignmeter.threat_model import ThreatModel, load_threat_model

    own_suite(pairs=0)
    whole = ThreatModel.model_validate(
        {
            "name": "Whole",
            "adversaries": {"attacks": ["base64"], "context_tokens": 999},
            "thresholds": {"attack_success_rate": 0.01, "false_refusal_benign": 0.03, "unscored": 0.1},
        }
    )
    made = begin_cycle(home, NewCycle(suites=("mine",)), whole)
    written = load_threat_model(made.threat_model)

    assert written.thresholds.model_fields_set == {"false_refusal_benign", "unscored"}
    assert written.thresholds.false_refusal_benign == 0.03
    assert written.adversaries.context_tokens == 999
    assert [claim.id for claim in plan(written).design.claims] == ["false_refusal_benign"]


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (NewCycle(suites=()), "names of suites, got none"),
        (NewCycle(suites=("nowhere",)), "got 'nowhere'"),
        (NewCycle(suites=("mine",), fraction=1.5), "`fraction=`"),
        (NewCycle(suites=("mine",), anchors=1.0), "`anchors=`"),
        (NewCycle(suites=("mine",), name="Cycle 1"), "`name=` of lower-case"),
        (NewCycle(suites=("mine",), name="triad"), "no suite has yet, got 'triad'"),
        (NewCycle(suites=("mine",), generate=True), "`generate=True` with a suite that is generated"),
        (NewCycle(suites=("triad",), kind="sequestered"), "got 'triad', which comes with alignmeter"),
        (NewCycle(suites=("facts",), kind="sequestered"), "or generated ones with `generate=True`"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    home: Path, own_suite: SuiteWriter, model: ThreatModel, wanted: NewCycle, complaint: str
) -> None:
    own_suite()

    with pytest.raises(InputError, match=complaint):
        begin_cycle(home, wanted, model)

    assert not home.exists() or not list((home / "cycles").glob("*"))
    assert [path.name for path in Path("alignmeter-suites").iterdir()] == ["mine.en.jsonl"]


def test_a_selection_is_no_pool(home: Path, own_suite: SuiteWriter, model: ThreatModel) -> None:
    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",)), model)

    with pytest.raises(InputError, match="'cycle_1', which is the selection of a cycle"):
        begin_cycle(home, NewCycle(suites=("cycle_1",)), model)


def test_a_name_is_used_once(home: Path, own_suite: SuiteWriter, model: ThreatModel) -> None:
    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",), name="autumn"), model)

    with pytest.raises(InputError, match="got 'autumn'"):
        begin_cycle(home, NewCycle(suites=("mine",), name="autumn"), model)

    assert [cycle.name for cycle in cycles(home)] == ["autumn"]


def test_a_cycle_whose_folder_cannot_be_made_leaves_no_suite_behind(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite()
    home.mkdir()
    (home / "cycles").write_text("in the way")

    with pytest.raises(StorageError, match="cannot write"):
        begin_cycle(home, NewCycle(suites=("mine",)), model)

    assert [path.name for path in Path("alignmeter-suites").iterdir()] == ["mine.en.jsonl"]


def test_a_process_that_dies_between_cycle_and_suite_leaves_a_cycle_that_status_names(
    home: Path, own_suite: SuiteWriter, model: ThreatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: object) -> None:
        os._exit(9)

    own_suite()
    with monkeypatch.context() as patch:
        patch.setattr(CYCLES, "write_suite", die)
        process = multiprocessing.get_context("fork").Process(
            target=begin_cycle, args=(home, NewCycle(suites=("mine",), kind="sequestered"), model)
        )
        process.start()
        process.join(60)

    assert process.exitcode == 9
    assert [path.name for path in Path("alignmeter-suites").iterdir()] == ["mine.en.jsonl"]
    assert rotation_status(home).without_suite == ("cycle_1",)
    retire_cycle(home, "cycle_1", "no suite")
    assert rotation_status(home).without_suite == ()


def test_a_suite_that_cannot_be_written_leaves_no_cycle_behind(
    home: Path, own_suite: SuiteWriter, model: ThreatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise StorageError("cannot write")

    own_suite()
    monkeypatch.setattr(CYCLES, "write_suite", full)

    with pytest.raises(StorageError, match="cannot write"):
        begin_cycle(home, NewCycle(suites=("mine",)), model)

    assert cycles(home) == ()


def test_a_held_out_suite_that_is_no_cycle_here_is_named(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",)), model)

    assert rotation_status(home).without_cycle == ()
    assert rotation_status(home.parent / "elsewhere").without_cycle == ("cycle_1",)


def test_a_lost_key_is_said_and_not_made_up(home: Path, own_suite: SuiteWriter, model: ThreatModel) -> None:
    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",)), model, key=KEY)
    (home / "cycles" / "cycle_1" / "key").write_text(OTHER.hex())

    with pytest.raises(InputError, match="expected the key that cycle 'cycle_1' was committed with"):
        reveal_cycle(home, "cycle_1")


def test_an_imported_suite_takes_its_licence_into_the_cycle(
    home: Path, own_suite: SuiteWriter, model: ThreatModel
) -> None:
    import msgspec

    from alignmeter.suites import SuiteOrigin, suite_origin
    from alignmeter.suites.origins import origin_path

    own_suite(each=8, pairs=0)
    origin = SuiteOrigin(
        suite="mine",
        manifest="set",
        manifest_sha256="0" * 64,
        title="A public set",
        licence="CC-BY-4.0",
        citation="Somebody 2026",
        homepage="https://example.com",
        source=("set.csv",),
        source_sha256="1" * 64,
        rows=16,
        probes=16,
        families=16,
        imported_on="2026-11-21",
        alignmeter_version="0",
    )
    origin_path(Path("alignmeter-suites"), "mine").write_bytes(msgspec.json.encode(origin))

    begin_cycle(home, NewCycle(suites=("mine",)), model)

    found = suite_origin("cycle_1")
    assert found is not None
    assert (found.licence, found.families) == ("CC-BY-4.0", 4)
    assert len(load_catalogue(["cycle_1"])) == 4
