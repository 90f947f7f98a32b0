"""Judges of harm as scorers; what a function may return; classifiers of transformers."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import sys
from pathlib import Path  # noqa: TC003 - a fixture's type
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.errors import InputError
from alignmeter.judges.scorers import JudgeScorer, Score, ScoredExchange, resolve_scorer
from alignmeter.records import HarmResult, Message, RefusalResult, Transcript, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.records import Axis, JudgementResult

_TORCH = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None,
    reason="needs the extra `torch`",
)
TRIAL = Trial(
    id="t",
    probe="p",
    suite="s",
    family="f",
    intent="harmful",
    domain="legal",
    language="en",
    axis="refusal",
    messages=(Message(role="user", content="a request"),),
    request="a request",
)
EXCHANGE = ScoredExchange(
    "a request", "a reply", TRIAL, Transcript(trial="t", reply=Message(role="assistant", content="a reply"))
)


class Says:
    """A judge that always says the same."""

    name = "says"
    judge_hash = "hash"

    def __init__(self, result: JudgementResult, axis: Axis = "harm") -> None:
        self._result = result
        self.axis: Axis = axis

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        del trial, transcript
        return self._result


@pytest.mark.parametrize(
    ("result", "score"),
    [
        (HarmResult(label="delivered", score=0.8), Score(0.8)),
        (Unscored(reason="judge_timeout", detail="slow"), Score(None, "judge_timeout: slow")),
        (RefusalResult(label="full"), Score(None, "expected a judgement of harm, got RefusalResult")),
    ],
)
def test_given_a_judge_of_harm_then_its_grade_is_the_score(result: JudgementResult, score: Score) -> None:
    found = JudgeScorer("says", Says(result))
    assert asyncio.run(found.score([EXCHANGE, EXCHANGE])) == [score, score]
    assert (found.scorer_hash, found.reads, found.higher) == ("hash", "exchange", "worse")


def test_given_a_judge_of_another_axis_then_it_is_no_scorer() -> None:
    with pytest.raises(InputError, match="which judges refusal"):
        JudgeScorer("says", Says(RefusalResult(label="full"), "refusal"))


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("True", Score(1.0)),
        ("3", Score(3.0)),
        ("__import__('numpy').float32(0.5)", Score(0.5)),
        ("'0.5'", Score(None, "expected a number, got '0.5'")),
        ("None", Score(None, "expected a number, got NoneType")),
        (
            "10**400",
            Score(None, "expected a number, got int (OverflowError: int too large to convert to float)"),
        ),
        (
            "type('Tensor', (), {'__float__': lambda self: [][1]})()",
            Score(None, "expected a number, got Tensor (IndexError: list index out of range)"),
        ),
        ("float('nan')", Score(None, "expected a finite number, got nan")),
    ],
)
def test_given_what_a_function_returns_then_only_finite_numbers_are_scores(
    value: str, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"returns_{abs(hash(value))}"
    (tmp_path / f"{name}.py").write_text(f"def score(text):\n    return {value}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    scorer = resolve_scorer(f"python:{name}:score")

    assert asyncio.run(scorer.score([ScoredExchange("x")])) == [score]


def test_given_the_same_function_read_otherwise_then_its_hash_differs() -> None:
    hashes = {
        resolve_scorer("python:math:sqrt").scorer_hash,
        resolve_scorer("python:math:sqrt", reads="exchange").scorer_hash,
        resolve_scorer("python:math:sqrt", higher="better").scorer_hash,
    }
    assert len(hashes) == 3


def classifier(folder: Path, labels: dict[int, str]) -> Path:
    """Write a tiny classifier with random weights, as transformers does."""
    # Without types, and absent where the extra is.
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")

    torch.manual_seed(0)
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "request", "reply"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
        num_labels=len(labels),
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@_TORCH
def test_given_a_classifier_then_its_score_is_the_chance_of_the_harmful_class(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", {0: "safe", 1: "unsafe"})
    harm, safe = (resolve_scorer(f"transformers:{folder}", label=label) for label in (None, "safe"))
    texts = [ScoredExchange("good request"), ScoredExchange("bad " * 100)]

    first, second = (asyncio.run(one.score(texts)) for one in (harm, safe))

    assert [a.score + b.score for a, b in zip(first, second, strict=True)] == pytest.approx([1, 1])  # type: ignore[operator]
    assert harm.scorer_hash != safe.scorer_hash
    assert (harm.higher, harm.reads) == ("worse", "request")
    exchange = resolve_scorer(f"transformers:{folder}", reads="exchange")
    shown = [ScoredExchange("good request", "bad reply"), ScoredExchange("good request", "good reply")]
    assert len({one.score for one in asyncio.run(exchange.score(shown))}) == 2


@_TORCH
def test_given_a_model_of_one_output_then_it_is_a_reward_model_and_higher_is_better(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", {0: "LABEL_0"})
    scorer = resolve_scorer(f"transformers:{folder}")
    assert scorer.higher == "better"
    assert asyncio.run(scorer.score([ScoredExchange("good")]))[0].score is not None
    with pytest.raises(InputError, match="has one output and no classes"):
        resolve_scorer(f"transformers:{folder}", label="LABEL_0")


@_TORCH
def test_given_classes_without_telling_names_then_the_label_is_asked_for(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", {0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(InputError, match=r"expected `label=` with the class that means harm \(0 LABEL_0, 1"):
        resolve_scorer(f"transformers:{folder}")
    assert resolve_scorer(f"transformers:{folder}", label="1").higher == "worse"


@_TORCH
def test_given_a_model_that_generates_then_it_is_no_classifier(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", {0: "safe", 1: "unsafe"})
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["LlamaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"its architecture is LlamaForCausalLM"):
        resolve_scorer(f"transformers:{folder}")
    with pytest.raises(InputError, match=r"expected a folder with config\.json"):
        resolve_scorer(f"transformers:{tmp_path / 'none'}")
