"""Runs of HELM: a folder with `per_instance_stats.json` and `run_spec.json`, or a suite of such folders.

A run is a domain, named as HELM names it without the model; of a run over several splits each split is
one, since HELM prints a mean of each. Perturbed instances are left out, as they
are from HELM's own score; repeated trials are members of one family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.integrations.base import (
    ReadOptions,
    check_reported,
    check_wishes,
    choose,
    mean_by_domain,
    run_name,
    share,
    stated,
    united,
)
from alignmeter.integrations.files import decode_json, read_bytes
from alignmeter.integrations.merging import merged, of_one_model
from alignmeter.integrations.peek import Peek
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Shape = TypeVar("Shape")

INSTANCES = "per_instance_stats.json"
_MODEL_PARTS = ("model=", "model_deployment=")
_BOOKKEEPING = (
    "batch_size",
    "finish_reason_",
    "inference_",
    "logprob",
    "max_prob",
    "num_",
    "predicted_index",
    "prompt_truncated",
    "training_",
)
"""Beginnings of the statistics that HELM keeps of every instance and that score nothing."""


class _Name(msgspec.Struct):
    """Name of a statistic; those of one part of the instances alone have more than name and split."""

    name: str
    split: str | None = None
    sub_split: str | None = None
    perturbation: Any = None


class _Stat(msgspec.Struct):
    name: _Name
    count: int = 0
    mean: float | None = None


class _Row(msgspec.Struct):
    """All statistics of one instance in one trial."""

    instance_id: str
    stats: list[_Stat]
    train_trial_index: int = 0
    perturbation: Any = None

    @property
    def split(self) -> str:
        """The split that the instance is of, `unknown` where no statistic says."""
        return next((stat.name.split for stat in self.stats if stat.name.split), "unknown")


class _Spec(msgspec.Struct):
    """What a run was asked to do."""

    name: str
    adapter_spec: dict[str, Any]
    scenario_spec: dict[str, Any] = {}
    metric_specs: list[Any] = []


class _Run(NamedTuple):
    """One run folder, or one split of it: what was asked for, and the rows of its instances."""

    folder: Path
    spec: _Spec
    rows: list[_Row]
    split: str | None = None

    @property
    def domain(self) -> str:
        """The name of the run without the model: `mmlu:subject=anatomy,method=multiple_choice_joint`."""
        scenario, _, arguments = self.spec.name.partition(":")
        kept = [part for part in arguments.split(",") if part and not part.startswith(_MODEL_PARTS)]
        if self.split is not None:
            kept.append(f"split={self.split}")
        return f"{scenario}:{','.join(kept)}" if kept else scenario


class _Content(NamedTuple):
    """Digests of what an instance holds and of what was sent for it; empty where not kept."""

    version: str = ""
    prompt: str = ""


class HelmReader:
    """Reads runs of HELM."""

    format = "helm"
    options = frozenset({"model", "metrics", "domains", "maximum"})

    def recognises(self, peek: Peek) -> bool:
        """Whether this is such a file, or a folder with one."""
        files = peek.files if peek.kind == "folder" else (peek,)
        return any(_is_instances(file) for file in files)

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read all runs of one model.

        Raises:
            InputError: A file of a run is missing or not as HELM writes it, or no metric was chosen
                where there are several.
        """
        runs = of_one_model(path, [(run.folder, run) for run in _runs(path)], options.model, _model)
        check_wishes(options.domains, {run.domain for _, run in runs}, "run", str(path))
        chosen = [run for _, run in runs if not options.domains or run.domain in options.domains]
        check_wishes(options.metrics, {name for run in chosen for name in _offered(run)}, "metric", str(path))
        return merged(
            [_scores(run, options) for run in chosen],
            model=_model(chosen[0]),
            source="helm",
            origin=str(path),
            provenance=united(_facts(run) for run in chosen),
            scored_by="helm",
        )


def _is_instances(peek: Peek) -> bool:
    return peek.kind == "json_list" and {"instance_id", "train_trial_index", "stats"} <= peek.names


def _runs(path: Path) -> list[_Run]:
    peek = Peek(path)
    files = [file.path for file in peek.files if _is_instances(file)] if peek.kind == "folder" else [path]
    if not files:
        raise InputError(f"{path}: expected a folder with {INSTANCES}, got {peek.said()}; run helm-run first")
    return [
        run
        for file in files
        for run in _by_split(
            _Run(file.parent, _decoded(file.parent / "run_spec.json", _Spec), _decoded(file, list[_Row]))
        )
    ]


def _by_split(run: _Run) -> list[_Run]:
    splits = dict.fromkeys(row.split for row in run.rows)
    if len(splits) <= 1:
        return [run]
    return [
        run._replace(split=split, rows=[row for row in run.rows if row.split == split]) for split in splits
    ]


def _decoded(path: Path, kind: type[Shape]) -> Shape:
    try:
        return msgspec.convert(decode_json(read_bytes(path), str(path)), kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: expected what HELM writes under this name, got: {error}") from None


def _model(run: _Run) -> str:
    adapter = run.spec.adapter_spec
    return str(adapter.get("model") or adapter.get("model_deployment") or run.folder.name)


def _offered(run: _Run) -> list[str]:
    """Return the statistics of instances that score something, in the order of the file."""
    names = (stat.name.name for row in run.rows for stat in row.stats)
    return [name for name in dict.fromkeys(names) if not name.startswith(_BOOKKEEPING)]


def _chosen(run: _Run, options: ReadOptions) -> str:
    """Choose the metric; HELM's own first choice is not in the files of a run, so none is guessed."""
    offered = _offered(run)
    if not offered:
        raise InputError(f"{run.folder}: expected a metric of instances, got none; was the run finished?")
    if len(offered) > 1 and not options.metrics:
        raise InputError(
            f"{run.folder}: expected `metrics=` to choose one of {', '.join(offered)}, got none: HELM keeps "
            "all of them and does not say in a run which one counts"
        )
    return choose(options.metrics, offered, "metric", str(run.folder))


def _scores(run: _Run, options: ReadOptions) -> ItemScores:
    metric, contents = _chosen(run, options), _contents(run.folder)
    plain = [row for row in run.rows if row.perturbation is None]
    items = tuple(_item(run, row, metric, contents, options) for row in plain)
    notes: list[str] = []
    if len(plain) < len(run.rows):
        left = len(run.rows) - len(plain)
        notes.append(f"{run.domain}: {left:,} perturbed instances are left out, as from HELM's own score.")
    reported = _reported(run, metric, items, options)
    if reported is None:
        notes.append(f"{run.domain}: no single printed mean of {metric} to check the items against.")
    return ItemScores(
        model="",
        source="helm",
        origin=str(run.folder),
        items=items,
        metric={run.domain: metric},
        reported={} if reported is None else {run.domain: reported},
        stated=(run.domain,) if _is_whole(run) else (),
        scorers={run.domain: f"settings {digest(run.spec.metric_specs)[:12]}"},
        notes=tuple(notes),
    )


def _item(
    run: _Run, row: _Row, metric: str, contents: dict[str, _Content], options: ReadOptions
) -> ScoredItem:
    name, trial = row.instance_id, row.train_trial_index
    where = f"{run.folder / INSTANCES}: instance {name!r}"
    found = [stat.mean for stat in row.stats if stat.name.name == metric and stat.mean is not None]
    if len(found) > 1:
        raise InputError(
            f"{where}: expected {metric!r} once, got it {len(found)} times; choose another metric"
        )
    content = contents.get(name, _Content())
    return ScoredItem(
        item=run_name(name, trial + 1),
        family=name,
        domain=run.domain,
        score=share(found[0], options.maximum, where) if found else None,
        unscored="" if found else f"HELM has no {metric} of it",
        version=content.version,
        prompt=content.prompt if trial == 0 else "",
    )


def _reported(run: _Run, metric: str, items: Sequence[ScoredItem], options: ReadOptions) -> float | None:
    """Return HELM's own mean, checked against the items; None where it prints none or several."""
    path = run.folder / "stats.json"
    if not path.exists():
        return None
    printed = [
        stat.mean
        for stat in _decoded(path, list[_Stat])
        if stat.name.name == metric and stat.mean is not None and _of_all(stat.name, run.split)
    ]
    if len(printed) != 1:
        return None
    value = printed[0] / (options.maximum or 1.0)
    check_reported(str(path), run.domain, mean_by_domain(items).get(run.domain), value)
    return value


def _of_all(name: _Name, split: str | None) -> bool:
    return name.sub_split is None and name.perturbation is None and split in {None, name.split}


class _Part(msgspec.Struct):
    """The parts of a request's state that say what an instance is and what was sent."""

    instance: dict[str, Any]
    request: dict[str, Any]
    train_trial_index: int = 0

    @property
    def split(self) -> str:
        return str(self.instance.get("split") or "")


class _State(msgspec.Struct):
    request_states: list[_Part]


def _contents(folder: Path) -> dict[str, _Content]:
    """Digest the instances of a run from `scenario_state.json`, else from `instances.json`, else not."""
    path = folder / "scenario_state.json"
    if path.exists():
        sent_for: dict[str, _Content] = {}
        for part in _decoded(path, _State).request_states:
            if part.train_trial_index == 0 and part.instance.get("perturbation") is None:
                sent = part.request.get("messages") or part.request.get("prompt", "")
                content = _Content(_version(part.instance), digest(sent))
                sent_for.setdefault(str(part.instance.get("id")), content)
        return sent_for
    path = folder / "instances.json"
    if not path.exists():
        return {}
    instances = _decoded(path, list[dict[str, Any]])
    return {str(one.get("id")): _Content(_version(one)) for one in instances if "perturbation" not in one}


def _is_whole(run: _Run) -> bool:
    """Whether every unperturbed request that HELM wrote down as sent has its row."""
    path = run.folder / "scenario_state.json"
    if not path.exists():
        return False
    sent = {
        (str(part.instance.get("id")), part.train_trial_index)
        for part in _decoded(path, _State).request_states
        if part.instance.get("perturbation") is None and run.split in {None, part.split}
    }
    return sent <= {(row.instance_id, row.train_trial_index) for row in run.rows if row.perturbation is None}


def _version(instance: dict[str, Any]) -> str:
    return digest([instance.get("input"), instance.get("references")])


def _facts(run: _Run) -> dict[str, str]:
    adapter = run.spec.adapter_spec
    return stated(
        {
            "harness": "HELM",
            "model deployment": adapter.get("model_deployment"),
            "generation": ", ".join(
                f"{name}={adapter[name]}"
                for name in ("temperature", "max_tokens", "stop_sequences")
                if name in adapter
            ),
            f"run of {run.domain}": run.spec.name,
            f"scenario of {run.domain}": run.spec.scenario_spec.get("class_name"),
            f"method of {run.domain}": adapter.get("method"),
            f"shots of {run.domain}": adapter.get("max_train_instances"),
        }
    )
