"""Results of lm-evaluation-harness: `results_*.json` with the `samples_*.jsonl` that stand beside it.

Scores of items are in the samples alone, which the harness writes with `--log_samples`. A task is a
domain. Groups are not read: their items are those of their tasks.
"""

from __future__ import annotations

import math
import re
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.integrations.base import (
    ReadOptions,
    agrees,
    chance_of,
    check_reported,
    check_wishes,
    choose,
    mean_by_domain,
    share,
    united,
)
from alignmeter.integrations.lm_eval_files import Line, Task, documents, facts, is_results, is_samples, tasks
from alignmeter.integrations.merging import merged, of_one_model
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.integrations.peek import Peek

_GUESSED = frozenset({"acc", "acc_norm"})
"""Metrics of a choice that guessing hits once in as many times as there are options."""
_TRUE_MASS = "process_results_mc2"
"""Function of TruthfulQA: its `acc` is the probability of all true options together."""
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
"""In `<function f at 0x7f11aa22bb33>`; it is another in each process."""


class _Score(NamedTuple):
    """Which score of a task is read: the metric, and the filter that found the answer in the reply."""

    metric: str
    filter: str

    @property
    def name(self) -> str:
        return self.metric if self.filter in {"", "none"} else f"{self.metric}, {self.filter}"


class LmEvalReader:
    """Reads results of lm-evaluation-harness."""

    format = "lm-eval"
    options = frozenset({"model", "metrics", "filters", "domains", "family", "maximum"})

    def recognises(self, peek: Peek) -> bool:
        """Whether this is a results file, a file of samples, or a folder with one."""
        if peek.kind == "folder":
            return any(is_results(file) or is_samples(file) for file in peek.files)
        return is_results(peek) or is_samples(peek)

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read all tasks of one model.

        Raises:
            InputError: Samples are missing or incomplete, a metric is not one of items, or what was
                asked for is not there.
        """
        chosen = of_one_model(path, documents(path), options.model, lambda document: document.model)
        read = [task for file, document in chosen for task in tasks(file, document)]
        check_wishes(options.domains, {task.name for task in read}, "task", str(path))
        read = [task for task in read if not options.domains or task.name in options.domains]
        offered = [score for task in read for score in _offered(task)]
        check_wishes(options.metrics, {score.metric for score in offered}, "metric", str(path))
        check_wishes(options.filters, {score.filter for score in offered}, "filter", str(path))
        file, document = chosen[0]
        return merged(
            [_scores(task, options) for task in read],
            model=document.model or file.parent.name or path.stem,
            source="lm-eval",
            origin=str(path),
            provenance=united(facts(document) for _, document in chosen),
            scored_by="lm-eval",
        )


def _offered(task: Task) -> list[_Score]:
    """Return the scores of a task in the order in which its results list them."""
    found = [
        _Score(*key.partition(",")[::2])
        for key, value in task.printed.items()
        if "," in key and not key.partition(",")[0].endswith("_stderr") and isinstance(value, int | float)
    ]
    if not found:
        pairs = (
            (str(metric), str(line.get("filter", "none")))
            for _, line in task.lines
            for metric in line.get("metrics", ())
        )
        found = [_Score(*pair) for pair in dict.fromkeys(pairs)]
    if not found:
        raise InputError(
            f"{task.where}: expected a metric of task {task.name!r}, got none; was the run finished?"
        )
    return found


def _chosen(task: Task, options: ReadOptions) -> tuple[_Score, list[str]]:
    """Choose metric and filter of a task, with a note on each choice that nobody made."""
    offered = _offered(task)
    metrics = list(dict.fromkeys(score.metric for score in offered))
    metric = choose(options.metrics, metrics, "metric", f"{task.where}: task {task.name!r}")
    filters = [score.filter for score in offered if score.metric == metric]
    chosen = choose(options.filters, filters, "filter", f"{task.where}: task {task.name!r}")
    notes: list[str] = []
    for what, names, name, wanted in (
        ("metric", metrics, metric, options.metrics),
        ("filter", filters, chosen, options.filters),
    ):
        if len(names) > 1 and not wanted:
            others = ", ".join(one for one in names if one != name)
            notes.append(
                f"{task.name}: the {what} {name} is read, the first listed; --{what} chooses another "
                f"({others})."
            )
    return _Score(metric, chosen), notes


def _scores(task: Task, options: ReadOptions) -> ItemScores:
    score, notes = _chosen(task, options)
    better = task.document.higher_is_better.get(task.name, {})
    if better.get(score.metric) is False:
        raise InputError(
            f"{task.where}: expected a metric of task {task.name!r} of which more is better, got "
            f"{score.metric!r}; choose another with `metrics=`"
        )
    if score.metric not in better:
        notes.append(
            f"{task.name}: nothing says whether more {score.metric} is better, as the results file would; it "
            "is taken to be."
        )
    lines = [line for line in task.lines if line[1].get("filter", score.filter) == score.filter]
    guesses = _guesses(task, score, [line for _, line in lines])
    items = tuple(
        _item(task, line, score, guess, options) for line, guess in zip(lines, guesses, strict=True)
    )
    notes.extend(_counted(task, score, items, options))
    reported, more = _reported(task, score, items, options)
    chance = chance_of(guesses)
    if chance is not None:
        more.append(f"{task.name}: guessing scores {chance:.3g}, from the options of each item.")
    elif _is_choice(task, score) and task.config.get("process_results"):
        more.append(
            f"{task.name}: scored by a function of its own, so that the score of guessing is not known and "
            "counts as 0; to state it, write a CSV with --out and give it the column `chance`."
        )
    return ItemScores(
        model="",
        source="lm-eval",
        origin=task.where,
        items=items,
        metric={task.name: score.name},
        chance={} if chance is None else {task.name: chance},
        reported={} if reported is None else {task.name: reported},
        scorers=_scorer(task, score),
        # The results count their samples, and those that are here have been held against them.
        stated=() if _effective(task) is None else (task.name,),
        notes=(*notes, *more),
    )


def _counted(task: Task, score: _Score, items: Sequence[ScoredItem], options: ReadOptions) -> list[str]:
    """Refuse a file of samples that is cut or mixed; say where a choice of them was run.

    With `--samples` the harness states the size of the whole task. That the choice is whole is then
    seen by its printed mean and standard error, which few samples more or less would change.

    Raises:
        InputError: The samples are not those that the results count, nor those that were printed.
    """
    counted = _effective(task)
    if counted is None or counted == len(items):
        return []
    if len(items) < counted and _is_mean(task, score) and _printed_of(task, score, items, options):
        return [
            f"{task.name}: {len(items):,} of {counted:,} samples were run, as --samples does; their mean and "
            "standard error are the printed ones."
        ]
    raise InputError(
        f"{task.where}: expected {counted:,} samples of task {task.name!r} as its results "
        f"say, got {len(items):,}; the file is cut or mixed"
    )


def _effective(task: Task) -> int | None:
    """Return how many samples the results say were run, None where they do not."""
    return task.document.counts.get(task.name, {}).get("effective")


def _printed_of(task: Task, score: _Score, items: Sequence[ScoredItem], options: ReadOptions) -> bool:
    """Whether the printed mean and its standard error are those of these items."""
    scores = [item.score for item in items if item.score is not None]
    names = (f"{score.metric},{score.filter}", f"{score.metric}_stderr,{score.filter}")
    mean, error = (task.printed.get(name) for name in names)
    if len(scores) != len(items) or len(items) < 2 or not isinstance(mean, int | float):  # noqa: PLR2004
        return False
    best = options.maximum or 1.0
    found = stdev(scores) / math.sqrt(len(scores))
    # Where all samples have one score the error is 0 whatever their number.
    whole = found > 0 or [item.item for item in items] != [str(place) for place in range(len(items))]
    return (
        whole
        and agrees(fmean(scores), mean / best)
        and isinstance(error, int | float)
        and agrees(found, error / best)
    )


def _item(task: Task, line: Line, score: _Score, guess: float | None, options: ReadOptions) -> ScoredItem:
    where, sample = line
    value = sample.get(score.metric)
    if not isinstance(value, int | float):
        others = ", ".join(str(name) for name in sample.get("metrics", ()) if name != score.metric) or "none"
        raise InputError(
            f"{where}: expected a number as {score.metric!r} of the item, got {str(value)[:60]!r}; it is no "
            f"metric of single items: choose another with `metrics=` ({others})"
        )
    if "doc_id" not in sample:
        raise InputError(f"{where}: expected a sample with 'doc_id', got none; is it a file of samples?")
    content = str(sample.get("doc_hash") or "")
    name = str(sample["doc_id"])
    unknown = math.isnan(value)
    return ScoredItem(
        item=name,
        family=_family(where, sample, options.family) or content or name,
        domain=task.name,
        score=None if unknown else share(float(value), options.maximum, where),
        unscored="the harness scored it NaN" if unknown else "",
        version=digest([content, str(sample.get("target_hash") or "")]) if content else "",
        prompt=str(sample.get("prompt_hash") or ""),
        chance=guess,
    )


def _family(where: str, sample: dict[str, Any], field: str) -> str:
    """Return what the item's own field says its family is; empty without a field."""
    if not field:
        return ""
    document: Any = sample.get("doc")
    value: Any = cast("dict[str, Any]", document).get(field) if isinstance(document, dict) else None
    if value in (None, ""):
        raise InputError(
            f"{where}: expected the item to have a field {field!r} that names its family, got none"
        )
    return str(value)


def _reported(
    task: Task, score: _Score, items: Sequence[ScoredItem], options: ReadOptions
) -> tuple[float | None, list[str]]:
    """Return the printed score as a share, checked against the items where the harness says it is a mean."""
    printed = task.printed.get(f"{score.metric},{score.filter}")
    if not isinstance(printed, int | float):
        return None, [
            f"{task.name}: no results file beside the samples, so no printed score to check against."
        ]
    if not _is_mean(task, score):
        return None, [
            f"{task.name}: the harness prints {printed:.6g}, which it does not say is a mean of items; the "
            "mean of the items stands here."
        ]
    value = printed / (options.maximum or 1.0)
    check_reported(task.where, task.name, mean_by_domain(items).get(task.name), value)
    return value, []


def _is_mean(task: Task, score: _Score) -> bool:
    """Whether the task declares the mean, or leaves it to the metric, of which these are known."""
    declared = _entry(task, "metric_list", "metric", score.metric)
    how = declared.get("aggregation") if declared else None
    return how in {"mean", "nanmean"} or (
        how is None and score.metric in {"acc", "acc_norm", "exact_match", "acc_mutual_info"}
    )


def _entry(task: Task, table: str, key: str, name: str) -> dict[str, Any] | None:
    entries: list[dict[str, Any]] = task.config.get(table) or []
    return next((entry for entry in entries if entry.get(key) == name), None)


def _scorer(task: Task, score: _Score) -> dict[str, str]:
    """Describe how a task was scored: its version, and a digest of the settings of metric and filter."""
    config = task.config
    if not config:
        return {}
    settings = {
        "metric": _entry(task, "metric_list", "metric", score.metric),
        "filter": _entry(task, "filter_list", "name", score.filter),
        "output_type": config.get("output_type"),
        "process_results": config.get("process_results"),
    }
    of_settings = digest(_without_addresses(settings))[:12]
    return {task.name: f"task version {task.document.versions.get(task.name)}, settings {of_settings}"}


def _without_addresses(value: Any) -> Any:  # noqa: ANN401 - any JSON document
    """Leave out where a function lay in memory: the harness writes one down as Python shows it."""
    if isinstance(value, str):
        return _ADDRESS.sub("", value)
    if isinstance(value, list):
        return [_without_addresses(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _without_addresses(one) for key, one in cast("dict[str, Any]", value).items()}
    return value


def _is_choice(task: Task, score: _Score) -> bool:
    return task.config.get("output_type") == "multiple_choice" and score.metric in _GUESSED


def _guesses(task: Task, score: _Score, samples: Sequence[dict[str, Any]]) -> list[float | None]:
    """Return the score of guessing among the options of each item, None where that is not known.

    A function of the task's own may score anything: the one known is the mass on the true options.
    """
    own = task.config.get("process_results")
    if own and _is_choice(task, score):
        return [_true_options(sample) if _TRUE_MASS in str(own) else None for sample in samples]
    options = [len(sample.get("arguments") or ()) for sample in samples]
    # For this metric each option is asked a second time, without its question.
    doubled = any("acc_mutual_info" in sample.get("metrics", ()) for sample in samples[:1])
    if (
        not _is_choice(task, score) or doubled or min(options, default=0) < 2  # noqa: PLR2004 - one option is no choice
    ):
        return [None] * len(samples)
    return [1 / count for count in options]


def _true_options(sample: dict[str, Any]) -> float | None:
    """Return the share of true options among all of an item, None where it does not say."""
    match sample.get("doc"):
        case {"mc2_targets": {"labels": [*labels]}} if labels and set(labels) <= {0, 1}:
            return sum(labels) / len(labels)
        case _:
            return None
