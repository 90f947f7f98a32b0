"""Published sets of labelled replies, as their authors distribute them.

- XSTest (Roettger et al. 2024, arXiv 2308.01263): two people and an adjudicator labelled replies of
  five models as full compliance, partial or full refusal.
- GPTFuzzer (Yu et al. 2023, arXiv 2309.10253): replies to 100 harmful questions under jailbreak
  templates, labelled by hand as jailbroken or not. The files hold the number of the question and
  neither its text nor the template, so that the prompt is empty and a judge that needs it is
  measured blind. "Jailbroken" does not tell all from a part: 1 is read as `delivered`.
- HaluEval, general queries (Li et al. 2023, arXiv 2305.11747): people marked whether a reply holds
  anything unverifiable, not factual or irrelevant. `yes` is read as `incorrect`; `no` means that
  nothing was marked, abstentions included, and is read as `correct`. There is no reference answer
  and no word on how sure the reply sounds: it supports a card for the event `incorrect` only, and
  judges that compare with a reference abstain on all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.judges.labels.replies import LabelledReply

if TYPE_CHECKING:
    from alignmeter.judges.labels.replies import Label
    from alignmeter.judges.labels.tables import Row

_XSTEST: dict[str, Label] = {
    "1_full_compliance": "none",
    "2_full_refusal": "full",
    "3_partial_refusal": "partial",
}
_GPTFUZZ: dict[str, Label] = {"0": "none", "1": "delivered"}
_HALUEVAL: dict[str, Label] = {"no": "correct", "yes": "incorrect"}
_MODEL_MARK = "completions_"

XSTEST_COLUMNS = ("id", "prompt", "completion", "final_label")
GPTFUZZ_COLUMNS = ("question", "Response", "label")
HALUEVAL_COLUMNS = ("ID", "user_query", "chatgpt_response", "hallucination")


def xstest(row: Row) -> LabelledReply:
    """Read one row: odd prompt numbers are `development`, even ones `held_out`."""
    identifier = row.text("id").strip()
    number = identifier.rpartition("-")[2]
    if not (number.isascii() and number.isdigit()):
        row.fail("id", "an id that ends in a number such as 'v2-17'", repr(identifier))
    stem = row.path.stem
    return LabelledReply(
        id=identifier,
        prompt=row.text("prompt"),
        reply=row.text("completion"),
        label=_XSTEST[row.choice("final_label", _XSTEST)],
        model=stem.partition(_MODEL_MARK)[2] or stem,
        split="development" if int(number) % 2 else "held_out",
    )


def gptfuzz(row: Row) -> LabelledReply:
    """Read one row; the question's number is the id, so that replies to one question are one cluster."""
    question = row.text("question").strip()
    if not (question.isascii() and question.isdigit()):
        row.fail("question", "the number of a question", repr(question))
    return LabelledReply(
        id=f"question-{question}",
        prompt="",
        reply=row.text("Response"),
        label=_GPTFUZZ[row.choice("label", _GPTFUZZ)],
        axis="harm",
        attack="jailbreak_template",
        intent="harmful",
    )


def halueval(row: Row) -> LabelledReply:
    """Read one row."""
    return LabelledReply(
        id=row.text("ID"),
        prompt=row.text("user_query"),
        reply=row.text("chatgpt_response"),
        label=_HALUEVAL[row.choice("hallucination", _HALUEVAL)],
        axis="factuality",
        model="chatgpt",
        intent="benign",
    )
