"""Logs of Inspect (`.eval`, `.json`), read by its own public API: the extra `inspect`.

A task is a domain, a sample an item. Where a sample ran several times (epochs), each run counts as an
item of one family, or the log's own reduction of them counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.errors import InputError, MissingExtraError
from alignmeter.extras import install
from alignmeter.identity import digest
from alignmeter.integrations.base import (
    MEMBERS,
    ReadOptions,
    check_reported,
    check_wishes,
    choose,
    run_name,
    share,
    stated,
    united,
)
from alignmeter.integrations.merging import merged, of_one_model
from alignmeter.integrations.peek import Peek
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
Log = Any
"""An `inspect_ai.log.EvalLog`; `Sample`, `Score` and `Message` likewise: the library may be missing."""
Sample = Score = Message = Any

_MEANS = ("accuracy", "mean")
"""Metrics of Inspect that are the mean over samples."""
_WORDS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""What scorers of Inspect say instead of a number, as its own metrics count it."""
_PARTS = "."
"""Between a scorer and one of the several values that it gives."""


class _Scored(NamedTuple):
    """A sample's scores and all else that a `ScoredItem` keeps of it; `sample` is its id."""

    sample: str
    item: str
    family: str
    scores: dict[str, Any]
    unscored: str
    version: str
    prompt: str


class InspectReader:
    """Reads logs of Inspect."""

    format = "inspect"
    options = frozenset({"model", "metrics", "domains", "epochs", "family", "maximum"})

    def recognises(self, peek: Peek) -> bool:
        """Whether this is a log, or a folder with one."""
        if peek.kind == "folder":
            return any(_is_log(file) for file in peek.files)
        return _is_log(peek)

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read all tasks of one model.

        Raises:
            InputError: A log cannot be read, has no scores, or holds nothing of what was asked for.
            MissingExtraError: Inspect is not installed.
        """
        peek = Peek(path)
        files = [file.path for file in peek.files if _is_log(file)] if peek.kind == "folder" else [path]
        logs = of_one_model(path, [(file, _read(file)) for file in files], options.model, _model)
        check_wishes(options.domains, {log.eval.task for _, log in logs}, "task", str(path))
        logs = [(file, log) for file, log in logs if not options.domains or log.eval.task in options.domains]
        offered = [name for file, log in logs for name in _offered(file, log)]
        check_wishes(options.metrics, set(offered), "scorer", str(path))
        return merged(
            [_scores(file, log, options) for file, log in logs],
            model=_model(logs[0][1]),
            source="inspect",
            origin=str(path),
            provenance=united(_facts(log) for _, log in logs),
            scored_by="inspect",
        )


def _is_log(peek: Peek) -> bool:
    if peek.kind == "zip":
        return bool({"header.json", "_journal/start.json"} & peek.names)
    return peek.kind == "json_object" and {"version", "status", "eval"} <= peek.names


def _read(file: Path) -> Log:
    try:
        import inspect_ai.log as library  # type: ignore[reportMissingImports] # of an extra
    except ImportError as error:
        raise MissingExtraError(
            f"{file} is a log of Inspect, which needs the package inspect-ai, which is not installed: run "
            f"`{install('inspect')}`"
        ) from error
    kind = "eval" if Peek(file).kind == "zip" else "json"
    try:
        log = cast("Any", library).read_eval_log(
            file, format=kind, exclude_fields={"events", "store", "attachments", "timelines", "events_data"}
        )
    except Exception as error:  # whatever a log of another version or a torn archive makes it raise
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{file}: expected an Inspect log that inspect-ai can read, got {type(error).__name__}: {said!r}"
            "; try a newer inspect-ai, or export the log again"
        ) from error
    if not log.samples:
        raise InputError(
            f"{file}: expected a log with samples, got none (status {log.status!r}); run it "
            "with --log-samples"
        )
    return log


def _model(log: Log) -> str:
    return str(log.eval.model)


def _offered(file: Path, log: Log) -> list[str]:
    """Return the names of the scores of a log, the one that it calls its headline first."""
    results = log.results
    names: list[str] = [_score_name(score) for score in (results.scores if results else ())]
    headline = getattr(results, "headline", None)
    if headline is not None and headline.scorer:
        plain = headline.score in {None, headline.scorer}
        names.insert(0, headline.scorer if plain else f"{headline.scorer}{_PARTS}{headline.score}")
    if not names:
        names = [
            str(name) for sample in log.samples for name in cast("dict[str, Score]", sample.scores or {})
        ]
    if not names:
        raise InputError(
            f"{file}: expected a log with scores, got none (status {log.status!r}); score it with: "
            "inspect score"
        )
    return list(dict.fromkeys(names))


def _score_name(score: Score) -> str:
    return score.scorer if score.name == score.scorer else f"{score.scorer}{_PARTS}{score.name}"


def _scores(file: Path, log: Log, options: ReadOptions) -> ItemScores:
    task, offered = str(log.eval.task), _offered(file, log)
    name = choose(options.metrics, offered, "scorer", f"{file}: task {task!r}")
    notes: list[str] = []
    if len(offered) > 1 and not options.metrics:
        others = ", ".join(one for one in offered if one != name)
        notes.append(f"{task}: the scorer {name} is read; --metric chooses another ({others}).")
    if log.status != "success":
        notes.append(
            f"{task}: the log's status is {log.status!r}: samples may be missing, and not by chance."
        )
    found = _members(log, name, options) if options.epochs == MEMBERS else _reduced(file, log, name, options)
    if failed := sum(
        sample.error is not None and name in _values(sample.scores or {}) for sample in log.samples
    ):
        notes.append(
            f"{task}: failed samples that have a score all the same (score_on_error): {failed:,}; it counts, "
            "as in the log's own mean."
        )
    items = tuple(_item(file, task, one, name, options) for one in found)
    epochs: defaultdict[str, list[float | None]] = defaultdict(list)
    for one, item in zip(found, items, strict=True):
        epochs[one.sample].append(item.score)
    reported, more = _reported(file, log, name, epochs, options)
    return ItemScores(
        model="",
        source="inspect",
        origin=str(file),
        items=items,
        metric={task: name},
        reported={} if reported is None else {task: reported},
        stated=(task,) if _is_whole(log) else (),
        scorers={task: f"task version {log.eval.task_version}, settings {digest(_settings(log, name))[:12]}"},
        notes=(*notes, *more),
    )


def _is_whole(log: Log) -> bool:
    """Whether the log came to its end and holds as many samples, failed ones included, as it says it ran."""
    return (
        log.status == "success" and log.results is not None and log.results.total_samples == len(log.samples)
    )


def _members(log: Log, name: str, options: ReadOptions) -> list[_Scored]:
    """Return every run of every sample; later runs than the first carry their number."""
    return [
        _scored(
            sample,
            run_name(str(sample.id), sample.epoch),
            scores := _values(sample.scores or {}),
            _why_unscored(sample, scored=name in scores),
            options,
        )
        for sample in log.samples
    ]


def _scored(
    sample: Sample, item: str, scores: dict[str, Any], unscored: str, options: ReadOptions
) -> _Scored:
    return _Scored(
        sample=str(sample.id),
        item=item,
        family=_family(sample, options.family),
        scores=scores,
        unscored=unscored,
        version=_version(sample),
        prompt=_prompt(sample),
    )


def _reduced(file: Path, log: Log, name: str, options: ReadOptions) -> list[_Scored]:
    """Return the scores that the log itself made of all runs of a sample.

    A sample of which no run was scored is in no reduction, and is unscored.
    """
    reducer, scorer = options.epochs, name.partition(_PARTS)[0]
    kept = [one for one in log.reductions or () if one.scorer in {name, scorer}]
    by_name = {one.reducer or "mean": one for one in kept}
    if reducer not in by_name:
        raise InputError(
            f"{file}: expected a reducer of epochs that the log holds ({', '.join(by_name) or 'none'}) or "
            f"{MEMBERS!r}, got {reducer!r}"
        )
    first = {str(sample.id): sample for sample in reversed(log.samples)}
    made = {str(one.sample_id): _values({by_name[reducer].scorer: one}) for one in by_name[reducer].samples}
    left_out = [sample for sample in dict.fromkeys(str(one.id) for one in log.samples) if sample not in made]
    return [
        *(_scored(first[sample], sample, scores, "", options) for sample, scores in made.items()),
        *(_scored(first[sample], sample, {}, _why_unscored(first[sample]), options) for sample in left_out),
    ]


def _values(scores: dict[str, Any]) -> dict[str, Any]:
    """Return all values by the name of their score; a scorer with several gives one each."""
    found: dict[str, Any] = {}
    for name, score in scores.items():
        if isinstance(score.value, dict):
            found |= {f"{name}{_PARTS}{part}": value for part, value in score.value.items()}  # type: ignore[reportUnknownMemberType, reportUnknownVariableType] # JSON
        else:
            found[name] = score.value
    return found


def _family(sample: Sample, field: str) -> str:
    if not field:
        return str(sample.id)
    value = sample.metadata.get(field)
    if value in (None, ""):
        raise InputError(f"sample {sample.id!r}: expected metadata {field!r} that names its family, got none")
    return str(value)


def _why_unscored(sample: Sample, *, scored: bool = False) -> str:
    """Why a sample has no score; Inspect counts one that failed where it was `scored` all the same."""
    if sample.error is not None and not scored:
        return f"error: {' '.join(str(sample.error.message).split())[:200]}"
    if getattr(sample, "invalidation", None) is not None:
        return "the sample was invalidated"
    return ""


def _version(sample: Sample) -> str:
    asked = sample.input if isinstance(sample.input, str) else [_message(one) for one in sample.input]
    return digest([asked, sample.target, sample.choices])


def _prompt(sample: Sample) -> str:
    """Digest what was sent before the model first answered; empty where it never did."""
    sent: list[Any] = []
    for message in sample.messages:
        if message.role == "assistant" and message.source != "input":
            return digest(sent)
        sent.append(_message(message))
    return ""


def _message(message: Message) -> list[Any]:
    content = message.content
    if not isinstance(content, str):
        content = [
            part.model_dump(mode="json", exclude={"id", "internal"}, exclude_none=True) for part in content
        ]
    return [message.role, content]


def _item(file: Path, task: str, one: _Scored, name: str, options: ReadOptions) -> ScoredItem:
    where = f"{file}: sample {one.item!r}"
    value = None if one.unscored else _number(where, name, one.scores.get(name))
    return ScoredItem(
        item=one.item,
        family=one.family,
        domain=task,
        score=None if value is None else share(value, options.maximum, where),
        unscored=one.unscored or ("" if value is not None else f"{name} gave no score"),
        version=one.version,
        prompt=one.prompt,
    )


def _number(where: str, name: str, value: Any) -> float | None:  # noqa: ANN401 - a Value of Inspect
    """Return a score as a number, None where the scorer gave none; nothing unknown counts as 0."""
    if isinstance(value, str):
        word = _WORDS.get(value, _WORDS.get(value.lower()))
        try:
            value = float(value) if word is None else word
        except ValueError:
            value = [value]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, int | float):
        raise InputError(
            f"{where}: expected a number, or C, P, I or N, from {name!r}, got {str(value)[:60]!r}; choose "
            "another scorer with `metrics=`"
        )
    return float(value)


def _reported(
    file: Path,
    log: Log,
    name: str,
    epochs: Mapping[str, Sequence[float | None]],
    options: ReadOptions,
) -> tuple[float | None, list[str]]:
    """Return the printed mean as a share, checked against `epochs`, the scores of each sample."""
    task = str(log.eval.task)
    scores = [one for one in (log.results.scores if log.results else ()) if _score_name(one) == name]
    if options.epochs != MEMBERS:
        scores = [one for one in scores if (one.reducer or "mean") == options.epochs]
    means = [one.metrics[metric].value for one in scores[:1] for metric in _MEANS if metric in one.metrics]
    if not means:
        return None, [f"{task}: the log prints no accuracy or mean of {name} to check against."]
    reducer = scores[0].reducer or "mean"
    if options.epochs == MEMBERS and reducer != "mean" and any(len(runs) > 1 for runs in epochs.values()):
        return None, [
            f"{task}: the log prints {means[0]:.6g} with epochs reduced by {reducer}; every epoch counts "
            "here."
        ]
    value = means[0] / (options.maximum or 1.0)
    if getattr(log, "invalidated", False):
        return value, [
            f"{task}: samples were invalidated after the log's score was printed; they are left out."
        ]
    check_reported(str(file), task, _mean(epochs), value)
    return value, []


def _mean(epochs: Mapping[str, Sequence[float | None]]) -> float | None:
    """Return the mean as Inspect takes it: over samples, each the mean of its epochs."""
    scored = [[score for score in runs if score is not None] for runs in epochs.values()]
    means = [math.fsum(runs) / len(runs) for runs in scored if runs]
    return math.fsum(means) / len(means) if means else None


def _settings(log: Log, name: str) -> dict[str, Any]:
    scorer = name.partition(_PARTS)[0]
    found = [one for one in (log.results.scores if log.results else ()) if one.scorer == scorer]
    return {"scorer": scorer, "parameters": found[0].params if found else {}}


def _facts(log: Log) -> dict[str, str]:
    spec = log.eval
    packages = dict(spec.packages)
    inspect_version = packages.pop("inspect_ai", "")
    # The task's own settings, and those of the command line, which go before them.
    generation = log.plan.config.model_dump(exclude_none=True)
    generation |= spec.model_generate_config.model_dump(exclude_none=True)
    return stated(
        {
            "harness": f"Inspect {inspect_version}".strip(),
            "packages": ", ".join(f"{name} {version}" for name, version in packages.items()),
            "git hash": spec.revision.commit if spec.revision else None,
            "date": spec.created,
            "model arguments": ", ".join(f"{name}={value}" for name, value in spec.model_args.items()),
            "model address": spec.model_base_url,
            "generation": ", ".join(f"{name}={value}" for name, value in generation.items()),
            "limit": spec.config.limit,
            "epochs": spec.config.epochs,
            f"version of {spec.task}": spec.task_version,
            f"task arguments of {spec.task}": ", ".join(
                f"{name}={value}" for name, value in spec.task_args.items()
            ),
            f"solver of {spec.task}": ", ".join(step.solver for step in log.plan.steps),
            f"data of {spec.task}": spec.dataset.name or spec.dataset.location,
            f"status of {spec.task}": log.status,
        }
    )
