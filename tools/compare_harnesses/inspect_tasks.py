"""The same tasks for Inspect: `inspect eval inspect_tasks.py@word_problems -T data=FILE`."""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate

LAST_NUMBER = r"(-?[0-9]+(?:[.,][0-9]+)*)[^0-9]*$"


@task
def word_problems(data: str) -> Task:
    """Questions with a number as the answer, of the shape of GSM8K."""

    def sample(record: dict[str, str]) -> Sample:
        return Sample(
            input=f"{record['question']}\nFinish with: #### and the number.",
            target=record["answer"].rpartition("####")[2].strip(),
        )

    return Task(
        dataset=json_dataset(data, sample, auto_id=True),
        solver=generate(),
        scorer=pattern(LAST_NUMBER),
        config=GenerateConfig(temperature=0.0, max_tokens=256),
        version=1,
    )


@task
def closed_facts(data: str) -> Task:
    """Closed questions; the first word of the reply is the answer."""

    def sample(record: dict[str, str]) -> Sample:
        return Sample(input=f"{record['question']} Answer with one word, yes or no.", target=record["answer"])

    return Task(
        dataset=json_dataset(data, sample, auto_id=True),
        solver=generate(),
        scorer=pattern(r"([A-Za-z]+)"),
        config=GenerateConfig(temperature=0.0, max_tokens=8),
        version=1,
    )
