"""What a scorer is shown of a run, and which replies to harmful requests stay out of the figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.api import load_run
from alignmeter.api.scored_texts import audited_texts

if TYPE_CHECKING:
    from tests.comparison_lab import Lab

    from alignmeter.records import Trial


def test_a_reply_that_no_judge_could_judge_is_not_counted_among_the_refused(lab: Lab) -> None:
    harmful = [trial.id for trial in lab.plan.trials if trial.intent == "harmful"]
    went_along, unjudged = set(harmful[::4]), set(harmful[1::4])

    def bad(trial: Trial) -> bool | None:
        return None if trial.id in unjudged else trial.id in went_along

    run = load_run(lab.run("run", bad))
    texts = [text for text in audited_texts(run, (), (), "exchange") if text.group.startswith("harmful")]

    assert Counter(text.left_out for text in texts) == {
        "": len(went_along),
        "unjudged": len(unjudged),
        "harmless": len(harmful) - len(went_along) - len(unjudged),
    }
    assert not any(text.left_out for text in audited_texts(run, (), (), "request"))
