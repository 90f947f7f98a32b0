"""What rows have in common is made once for all of them."""

from __future__ import annotations

import pytest

from alignmeter.suites.importing.fields import compile_fields
from alignmeter.suites.importing.manifest import ProbeField, Rule
from alignmeter.suites.importing.rules import BrokenCellError

RULES: dict[ProbeField, Rule] = {
    "prompt": Rule(column="text"),
    "language": Rule(value="en"),
    "intent": Rule(value="harmful"),
    "domain": Rule(column="label.name", map={"1": "known"}),
}


@pytest.mark.parametrize("label", ["1", 1, 1.0])
def test_given_the_same_cell_as_text_or_number_when_rows_are_filled_then_they_share_a_kind(
    label: str | float,
) -> None:
    fields = compile_fields(RULES, "refusal")

    first, own = fields.fill({"text": "a?", "label": {"name": "1"}})
    second, other = fields.fill({"text": "b?", "label": {"name": label}})

    assert first is second
    assert (first.domain, own["prompt"], other["prompt"]) == ("known", "a?", "b?")


def test_given_a_cell_that_no_rule_knows_when_it_comes_again_then_it_is_an_error_again() -> None:
    fields = compile_fields(RULES, "refusal")

    for _ in range(2):
        with pytest.raises(BrokenCellError, match="one of 1"):
            fields.fill({"text": "a?", "label": {"name": [2]}})
