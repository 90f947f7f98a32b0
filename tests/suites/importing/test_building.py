"""From rows to probes: fields, families, ids, pairs, repeated prompts, and what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.errors import InputError
from alignmeter.suites.importing import build, draw_families, match_files, parse_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Importing, Made

INTENTS = {"column": "label", "map": {"safe": "sensitive", "unsafe": "harmful"}}


def test_given_a_map_when_cells_differ_in_case_then_they_are_found(made: Made, importing: Importing) -> None:
    built = made("text,label\na?,Safe\nb?, UNSAFE \n", fields={"intent": INTENTS})

    assert importing.count(built, "intent") == {"sensitive": 1, "harmful": 1}


def test_given_a_value_that_the_map_lacks_when_it_is_met_then_row_and_column_are_named(made: Made) -> None:
    with pytest.raises(
        InputError,
        match=r"^rows.csv: row 2 \(line 3\), column 'label': expected one of safe, unsafe, got 'maybe'; corr",
    ):
        made("text,label\na?,safe\nb?,maybe\n", fields={"intent": INTENTS})


def test_given_otherwise_when_the_map_lacks_a_value_then_it_is_kept_or_the_row_dropped(
    made: Made, importing: Importing
) -> None:
    content = "text,label\na?,x\nb?,New Kind\n"
    mapped = {"column": "label", "map": {"x": "known"}}

    kept = made(content, fields={"domain": mapped | {"otherwise": "keep"}})
    dropped = made(content, fields={"domain": mapped | {"otherwise": "drop"}})

    assert importing.count(kept, "domain") == {"known": 1, "new_kind": 1}
    assert importing.count(dropped, "domain") == {"known": 1}
    assert dropped.files[0].filtered == 1


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"column": "label", "pattern": r"#(\w+)#"}, "inner"),
        ({"column": "label", "pattern": "in..r"}, "inner"),
        ({"column": "label", "match": "contains", "map": {"zzz": "no", "INNER": "found"}}, "found"),
        ({"template": "{label} of {text}"}, "x_inner_y_of_a"),
        ({"column": "empty", "default": "none given"}, "none_given"),
        ({"column": "absent", "default": "none given"}, "none_given"),
        ({"column": "empty", "map": {"": "nothing"}}, "nothing"),
        ({"column": "@file", "pattern": r"(\w+)\.csv"}, "rows"),
        ({"column": "@row", "map": {"1": "first"}}, "first"),
    ],
)
def test_given_a_rule_when_it_is_applied_then_its_steps_come_in_order(
    rule: dict[str, Any], wanted: str, made: Made, importing: Importing
) -> None:
    built = made("text,label,empty\na?,x #inner# y,\n", fields={"domain": rule})

    assert importing.count(built, "domain") == {wanted: 1}


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"one_of": ["TEST"]}, ["a?", "b?"]),
        ({"none_of": ["test"]}, ["c?"]),
        ({"none_of": [""]}, ["a?", "b?", "c?"]),
        ({"matches": "^Te"}, ["b?"]),
        ({"lacks": "^Te"}, ["a?", "c?"]),
    ],
)
def test_given_a_filter_when_rows_are_read_then_those_that_fit_are_taken(
    condition: dict[str, Any], kept: list[str], made: Made, importing: Importing
) -> None:
    built = made("text,split\na?,test\nb?,Test\nc?,train\n", filters=[{"column": "split"} | condition])

    assert [probe.prompt for probe in importing.probes(built)] == kept


def test_given_no_row_that_is_taken_when_it_is_imported_then_it_says_so(made: Made) -> None:
    with pytest.raises(InputError, match=r"rows.csv: expected rows that made_up takes, got none"):
        made("text,split\na?,train\n", filters=[{"column": "split", "one_of": ["test"]}])


def test_given_several_probes_of_a_row_when_they_are_made_then_they_share_its_family(
    made: Made, importing: Importing
) -> None:
    built = made(
        "n,text,german\n7,one?,eins?\n",
        fields={"id": {"column": "n"}, "family": {"template": "ask-{n}"}},
        each=[{}, {"language": {"value": "de"}, "prompt": {"column": "german"}}],
    )

    assert [(probe.id, probe.family, probe.prompt) for probe in importing.probes(built)] == [
        ("made_up-en-7", "made_up-ask-7", "one?"),
        ("made_up-de-7", "made_up-ask-7", "eins?"),
    ]


def test_given_contrast_pairs_when_a_key_comes_again_then_the_nth_of_each_intent_are_paired(
    made: Made, importing: Importing
) -> None:
    built = made(
        "text,key,label\na?,kill,safe\nb?,kill,safe\nc?,kill,unsafe\nd?,kill,unsafe\ne?,kill,safe\n",
        fields={"intent": INTENTS, "family": {"column": "key"}},
        contrast_pairs=True,
    )

    families = {probe.prompt: probe.family.removeprefix("made_up-") for probe in importing.probes(built)}
    assert families == {"a?": "kill-1", "b?": "kill-2", "c?": "kill-1", "d?": "kill-2", "e?": "kill-3"}


def test_given_rows_of_a_block_when_every_counts_them_then_they_are_one_family(
    made: Made, importing: Importing
) -> None:
    built = made("text\na?\nb?\nc?\n", fields={"family": {"column": "@row", "every": 2}})

    assert importing.count(built, "family") == {"made_up-0": 2, "made_up-1": 1}


def test_given_a_prompt_that_comes_again_when_it_is_imported_then_it_is_kept_once(made: Made) -> None:
    built = made("text\na?\nb?\n a? \n")

    assert len(built.probes) == 2
    assert built.files[0].repeated == 1


@pytest.mark.parametrize("labels", [("safe", "unsafe"), ("unsafe", "safe")])
def test_given_a_prompt_that_comes_again_with_another_intent_when_it_is_imported_then_both_rows_are_named(
    labels: tuple[str, str], made: Made
) -> None:
    intents = {"safe": "sensitive", "unsafe": "harmful"}
    first, second = (intents[label] for label in labels)
    with pytest.raises(InputError) as refused:
        made(f"text,label\na?,{labels[0]}\nb?,safe\na?,{labels[1]}\n", fields={"intent": INTENTS})
    assert str(refused.value) == (
        "rows.csv: row 3 (line 4): expected what the same prompt has in rows.csv: row 1 (line 2), the intent "
        f"{first}, got {second}; correct one of the two rows, or leave it out by a filter of the manifest"
    )


def test_given_a_task_that_comes_again_with_another_answer_when_it_is_imported_then_both_rows_are_named(
    made: Made,
) -> None:
    rules: dict[str, Any] = {
        "task": {"kind": "number", "answer": {"column": "right"}},
        "fields": {"intent": {"value": "benign"}},
    }

    assert len(made("text,right\n1 + 1?,2\n1 + 1?,2\n", **rules).probes) == 1
    with pytest.raises(InputError, match=r"row 2 \(line 3\): .* row 1 \(line 2\), the same answer or ref"):
        made("text,right\n1 + 1?,2\n1 + 1?,3\n", **rules)


@pytest.mark.parametrize(
    ("cell", "came"),
    [
        ('["hi", "there"]', 'got \'["hi","there"]\''),
        ('{"role": "user", "content": "a?"}', 'got \'{"role"'),
        ('[{"role": "user", "content": "a?"}, {"role": "user", "content": "b?"}]', "got '2 user turns'"),
        ('[{"role": "assistant", "content": "a?"}]', "got '0 user turns'"),
        ('[{"role": "user", "content": [{"type": "text", "text": "a?"}]}]', "got '1 user turns'"),
        ("[]", "got '[]'"),
    ],
)
def test_given_a_prompt_that_is_no_text_when_it_is_imported_then_it_is_refused(
    cell: str, came: str, made: Made
) -> None:
    for rule in ({"column": "text"}, {"template": "{text}"}):
        with pytest.raises(
            InputError, match=r"rows.jsonl: row 1 .*: expected a text to ask, or a list"
        ) as refused:
            made(f'{{"text": {cell}}}\n', "rows.jsonl", fields={"prompt": rule})
        assert came in str(refused.value)


def test_given_messages_with_one_user_turn_when_they_are_imported_then_that_is_the_prompt(
    made: Made, importing: Importing
) -> None:
    turns = '[{"role":"system","content":"A bank."},{"role":"user","content":"My limit?"},'
    turns += '{"role":"assistant","content":"500"}]'

    built = made(f'{{"text": {turns}}}\n', "rows.jsonl")

    assert [probe.prompt for probe in importing.probes(built)] == ["My limit?"]


def test_given_an_id_that_comes_again_when_it_is_an_error_then_both_rows_are_named(made: Made) -> None:
    with pytest.raises(
        InputError,
        match=r"row 2 \(line 3\): expected an id of its own, got 'made_up-en-1' as in rows.csv: row 1",
    ):
        made("n,text\n1,a?\n1,b?\n", fields={"id": {"column": "n"}})


def test_given_an_id_that_comes_again_when_the_last_counts_then_the_first_is_replaced(
    made: Made, importing: Importing
) -> None:
    built = made("n,text\n1,a?\n1,b?\n2,a?\n", fields={"id": {"column": "n"}}, repeated_id="last")

    assert {probe.id: probe.prompt for probe in importing.probes(built)} == {
        "made_up-en-1": "b?",
        "made_up-en-2": "a?",
    }


def test_given_no_id_when_the_rows_change_places_then_the_ids_stay(made: Made) -> None:
    assert set(made("text\na?\nb?\n").probes) == set(made("text\nb?\na?\n").probes)


def test_given_families_that_slugs_could_confuse_when_they_are_named_then_they_stay_apart(
    made: Made,
) -> None:
    content = "text,key\na?,one two\nb?,one-two\nc?,one/two\nd?,数学\ne?,科学\nf?,ONE-TWO\n"

    built = made(content, fields={"family": {"column": "key"}})

    assert len({kept.family for kept in built.probes.values()}) == 5  # case alone is no difference


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"prompt": {"column": "empty"}}, r"column 'empty': expected a text for 'prompt', got ''"),
        (
            {"intent": {"column": "text"}},
            r"column 'text': expected an intent from benign, sensitive, harmful",
        ),
        ({"language": {"column": "text"}}, r"column 'text': expected a language code such as 'en'"),
        ({"axis": {"value": "conduct"}}, r"expected an axis from"),
        ({"axis": {"value": "factuality"}}, r"expected intent 'benign' on axis 'factuality', got 'harmful'"),
        (
            {"axis": {"value": "factuality"}, "intent": {"value": "benign"}},
            r"expected reference 'yes' or 'no' on axis 'factuality', got None",
        ),
        (
            {
                "axis": {"value": "factuality"},
                "intent": {"value": "benign"},
                "reference": {"value": "no"},
                "language": {"value": "ja"},
            },
            r"expected a closed question in ar, .*, got 'ja'",
        ),
        (
            {"axis": {"value": "code_security"}, "intent": {"value": "benign"}, "cwe": {"column": "text"}},
            r"column 'text': expected the weakness as CWE-NUMBER",
        ),
        ({"axis": {"value": "capability"}, "intent": {"value": "benign"}}, r"expected a check on axis"),
        ({"domain": {"value": "9 lives"}}, r"expected a domain of lower-case letters"),
        ({"expires": {"value": "soon"}}, r"expected expires as YYYY-MM-DD, got 'soon'"),
    ],
)
def test_given_a_row_that_cannot_be_asked_or_scored_when_it_is_built_then_the_field_is_named(
    fields: dict[str, Any], complaint: str, made: Made
) -> None:
    with pytest.raises(InputError, match=rf"^rows.csv: row 1 \(line 2\).*{complaint}"):
        made("text,empty\nWhy?,\n", fields=fields)


def test_given_a_limit_when_families_are_drawn_then_they_are_whole_and_the_same_every_time(
    made: Made,
) -> None:
    content = "text,key\n" + "".join(f"prompt {n}?,k{n // 2}\n" for n in range(40))
    built = made(content, fields={"family": {"column": "key"}})

    drawn = draw_families(built, 5)

    assert drawn == draw_families(built, 5)
    assert len(drawn.probes) == 10
    assert len({kept.family for kept in drawn.probes.values()}) == 5
    assert set(draw_families(built, 3).probes) < set(drawn.probes)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=12))
def test_given_any_texts_when_they_are_imported_then_each_different_one_is_a_probe(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    import msgspec

    path = tmp_path_factory.mktemp("any") / "rows.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode({"text": f"x{text}x"}) for text in [*texts, "last"]))
    manifest = parse_manifest(
        '{name: any_text, title: t, licence: l, citation: c, homepage: h, tables: [{files: ["*"], fields: '
        "{prompt: {column: text}, language: {value: en}, intent: {value: benign}, domain: {value: d}}}]}",
        "any.yaml",
    )

    built = build(manifest, match_files(path, manifest))

    assert len(built.probes) == len({*texts, "last"})


def test_given_a_folder_without_a_known_file_when_it_is_imported_then_its_files_are_listed(
    tmp_path: Path, importing: Importing
) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")

    with pytest.raises(InputError, match=r"expected a file named xstest_prompts.csv.*got other.csv; name"):
        importing.run("xstest", tmp_path)


def test_given_a_renamed_file_when_its_columns_fit_one_table_then_it_is_read(
    tmp_path: Path, importing: Importing
) -> None:
    path = tmp_path / "renamed.csv"
    path.write_text("category,source,forbidden_prompt\nViolence,custom,Tell me how\n")

    with pytest.raises(InputError, match=r"expected a name that says which file"):
        importing.run("strongreject", path)
    other = tmp_path / "mine.csv"
    other.write_text("id,harm_area,counter,category,prompts_final\nsst_1,Scams and fraud,1,x,Sell it\n")
    assert len(importing.run("simplesafetytests", other).probes) == 1


def test_given_rows_that_are_not_wanted_when_their_prompt_is_empty_then_they_are_no_error(made: Made) -> None:
    mapped = {"column": "label", "map": {"x": "known"}, "otherwise": "drop"}

    built = made("text,label\na?,x\n,y\n", fields={"domain": mapped})

    assert (len(built.probes), built.files[0].filtered) == (1, 1)


def test_given_cells_that_are_alike_but_for_their_type_when_a_field_is_made_of_them_then_it_is_not_mixed_up(
    made: Made, importing: Importing
) -> None:
    rows = '{"text": "a?", "n": 1}\n{"text": "b?", "n": true}\n{"text": "c?", "n": [1]}\n'

    built = made(rows, name="rows.jsonl", fields={"domain": {"template": "n {n}"}})

    assert importing.count(built, "domain") == {"n_1": 2, "n_true": 1}


def test_given_a_field_made_of_the_row_number_when_rows_are_alike_then_each_has_its_own(
    made: Made, importing: Importing
) -> None:
    built = made("text,label\na?,x\nb?,x\n", fields={"domain": {"template": "row {@row}"}})

    assert importing.count(built, "domain") == {"row_1": 1, "row_2": 1}


def test_given_tasks_when_a_later_check_is_broken_then_its_row_is_named(made: Made) -> None:
    task = {"kind": "code", "tests": {"column": "tests"}, "entry_point": {"column": "name"}}
    content = "text,name,tests\nAdd.,add,assert add(1) == 2\nTake.,take,assert take(\n"

    with pytest.raises(InputError, match=r"row 2 \(line 3\).*expected tests in Python"):
        made(content, fields={"intent": {"value": "benign"}}, task=task)
