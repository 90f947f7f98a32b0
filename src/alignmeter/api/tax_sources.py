"""What a tax is computed from: runs of ours and scores of other harnesses, put together by model."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from alignmeter.analysis.safety import AttackedRequest
from alignmeter.api.comparable import sampled, sampling_problems
from alignmeter.api.reading import Run, load_run
from alignmeter.errors import InputError
from alignmeter.records import ItemScores, VariantLabels
from alignmeter.rotation import run_key
from alignmeter.verdicts import ATTACKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.analysis.harmful import HarmfulAxis
    from alignmeter.records import Axis, Trial

Source: TypeAlias = Run | ItemScores | Path | str
"""A run, its folder, or scores that some other harness gave."""


class Model(NamedTuple):
    """One model with all that is known of it.

    Attributes:
        run: Its run, for refusals and attacked harm; None where there are only scores.
        scores: Its scored items, those of the run included.
        sources: Where they come from, for people.
        called: What each source calls its model, which tells apart those of one file.
    """

    name: str
    run: Run | None
    scores: ItemScores
    sources: tuple[str, ...]
    called: tuple[str, ...]

    def shares_a_source(self, other: Model) -> bool:
        """Whether some source is one of both: the same model of the same run, copied or not, or file."""
        own, others = (set(zip(one.sources, one.called, strict=True)) for one in (self, other))
        if self.run is not None and other.run is not None:
            own.add(("", run_key(self.run.manifest)))
            others.add(("", run_key(other.run.manifest)))
        return bool(own & others)

    def of_domains(self, domains: Sequence[str]) -> Model:
        """Return the model with the scores of some domains alone."""
        items = tuple(item for item in self.scores.items if item.domain in domains)
        return self._replace(scores=msgspec.structs.replace(self.scores, items=items))


def read_model(sources: Sequence[Source], name: str | None = None) -> Model:
    """Put the sources of one model together.

    Args:
        sources: At most one run, and scores of any number of harnesses; a domain comes from one of them.
            One that is named twice, on the command line and in a file for example, counts once.
        name: Name of the model; None: as its run or its first scores call it.

    Raises:
        InputError: There is no source, there are two runs, or two sources have the same domain.
        RunFolderError: There is no run in a folder.
    """
    opened = _distinct([load_run(one) if isinstance(one, Path | str) else one for one in sources])
    runs = [one for one in opened if isinstance(one, Run)]
    if not opened:
        raise InputError("expected a run or a results file for each model, got none")
    if len(runs) > 1:
        raise InputError(
            f"expected one run a model, got {str(runs[0].path)!r} and {str(runs[1].path)!r} for "
            f"{name or runs[0].manifest.target.name!r}; leave one of them out, or give each variant a name "
            f"of its own (NAME=RUN)"
        )
    scores = [one if isinstance(one, ItemScores) else _scores_of(one) for one in opened]
    called = name or (runs[0].manifest.target.name if runs else scores[0].model)
    return Model(
        name=called,
        run=runs[0] if runs else None,
        scores=merged(called, scores),
        called=tuple(one.model for one in scores),
        sources=tuple(str(one.path) if isinstance(one, Run) else one.origin for one in opened),
    )


def _distinct(opened: Sequence[Run | ItemScores]) -> list[Run | ItemScores]:
    """Leave out what stands there twice: the same run folder, or the same scores."""
    found: list[Run | ItemScores] = []
    for one in opened:
        if isinstance(one, Run):
            seen = any(
                isinstance(other, Run) and other.path.resolve() == one.path.resolve() for other in found
            )
        else:
            seen = one in found
        if not seen:
            found.append(one)
    return found


def _scores_of(run: Run) -> ItemScores:
    from alignmeter.api.scores import scores_of_run

    return scores_of_run(run)


def merged(name: str, scores: Sequence[ItemScores]) -> ItemScores:
    """Put scores of one model together; who scored is then said of each domain.

    Raises:
        InputError: Two sources have the same domain.
    """
    if len(scores) == 1:
        return msgspec.structs.replace(scores[0], model=name)
    homes: dict[str, ItemScores] = {}
    for one in scores:
        for domain in dict.fromkeys(item.domain for item in one.items):
            if domain in homes:
                raise InputError(
                    f"expected each domain of {name!r} from one source, got {domain!r} in "
                    f"{homes[domain].origin!r} and {one.origin!r}; leave one of them out"
                )
            homes[domain] = one
    return ItemScores(
        model=name,
        source=scores[0].source,
        origin=" + ".join(one.origin for one in scores),
        items=tuple(item for one in scores for item in one.items),
        metric={domain: metric for one in scores for domain, metric in one.metric.items()},
        chance={domain: chance for one in scores for domain, chance in one.chance.items()},
        reported={domain: mean for one in scores for domain, mean in one.reported.items()},
        scorers={domain: scorer for one in scores for domain, scorer in one.scorers.items()},
        scored_by_domain={domain: one.scorer_of(domain) for domain, one in homes.items()},
        stated=tuple(domain for one in scores for domain in one.stated),
        notes=tuple(dict.fromkeys(note for one in scores for note in one.notes)),
    )


def not_comparable(base: Run | None, aligned: Run | None) -> str:
    """Say why two runs may not be compared: sampled otherwise, or judged by other judges."""
    if base is None or aligned is None:
        return ""
    differing = sampling_problems(
        sampled("the base", base.manifest, base.data),
        sampled("the aligned run", aligned.manifest, aligned.data),
    )
    if differing:
        return f"the two runs sampled differently ({'; '.join(differing)}): run both alike"
    for axis, judged in sorted(base.data.by_axis().items()):
        hashes = [
            {judgement.judge_hash for judgement in found.values()}
            for found in (judged, aligned.data.on(axis))
            if found
        ]
        if len(hashes) > 1 and hashes[0] != hashes[1]:
            return (
                f"different judges, or versions of one, judged {axis} in the two runs: let one judge both "
                "(`alignmeter judge rejudge`) and add --judge NAME here"
            )
    return ""


def harm_axis(base: Run, aligned: Run) -> HarmfulAxis:
    """Return `harm` where a harm judge judged both runs, else `refusal`."""
    return "harm" if base.data.on("harm") and aligned.data.on("harm") else "refusal"


def attacked_requests(base: Run, aligned: Run) -> tuple[AttackedRequest, ...]:
    """Return the attacked harmful requests that both runs planned, one a family.

    They stand in the committed order of the aligned run's claim on attacks. A family of which the claim
    has no request that both planned comes last, with its request of the smallest id, which is a hash and
    so no choice.
    """
    planned = {trial.id for trial in base.data.trials}
    shared = {
        trial.id: trial
        for trial in aligned.data.trials
        if trial.id in planned
        and trial.intent == "harmful"
        and trial.axis == "refusal"
        and trial.attack_class != "plain"
        and trial.epoch == 0
    }
    claimed = [
        trial
        for claim in aligned.manifest.design.claims
        if claim.kind in ATTACKED and claim.part is None
        for unit in claim.units
        for trial in unit
        if trial in shared
    ]
    chosen: dict[str, str] = {}
    for trial in (*claimed, *sorted(shared)):
        chosen.setdefault(shared[trial].family, trial)
    return tuple(AttackedRequest(trial, shared[trial].hazard or "unnamed") for trial in chosen.values())


def stopped_early(run: Run) -> bool:
    """Whether a run may have stopped asking for what it had seen: it was sequential, or never ended."""
    return run.manifest.design.mode == "sequential" or not run.data.complete


def stopped_domains(models: Sequence[Model], domains: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the domains whose items some run stopped asking early, with their items in committed order.

    Items that belong to no claim are never stopped for what was seen, so their domains are not among
    them; nor are those of which every planned item was asked.
    """
    found: dict[str, tuple[str, ...]] = {}
    for model in models:
        if model.run is None or not stopped_early(model.run):
            continue
        for domain, order in _unfinished(model.run, model.scores, domains).items():
            found.setdefault(domain, order)
    return found


def _unfinished(run: Run, scores: ItemScores, domains: Sequence[str]) -> dict[str, tuple[str, ...]]:
    position = {
        trial: place
        for place, trial in enumerate(
            trial for claim in run.manifest.design.claims for unit in claim.units for trial in unit
        )
    }
    items: defaultdict[str, set[str]] = defaultdict(set)
    for item in scores.items:
        items[item.domain].add(item.item)
    found: dict[str, tuple[str, ...]] = {}
    for domain in domains:
        # Trials of the same kind as the items are the rest of the domain, asked or not.
        kinds = {
            _kind(trial) for trial in run.data.trials if trial.id in items[domain] and trial.id in position
        }
        planned = [trial.id for trial in run.data.trials if _kind(trial) in kinds]
        if any(trial not in run.data.transcripts for trial in planned):
            order = sorted(planned, key=lambda trial: (position.get(trial, len(position)), trial))
            found[domain] = tuple(order)
    return found


def _kind(trial: Trial) -> tuple[str, Axis, str, str, int]:
    return trial.suite, trial.axis, trial.domain, trial.attack_class, trial.epoch


def labels_of(
    name: str, base: Run | None, aligned: Run | None, given: Mapping[str, VariantLabels]
) -> VariantLabels:
    """Return what a variant is: as given, else as its target's fingerprint shows."""
    if name in given and given[name].method is not None:
        return given[name]
    scope = given[name].scope if name in given else None
    if base is None or aligned is None:
        return VariantLabels(scope=scope)
    one, other = base.manifest.target.fingerprint, aligned.manifest.target.fingerprint
    same_model = (one.kind, one.model, one.revision, one.weights, one.adapter) == (
        other.kind,
        other.model,
        other.revision,
        other.weights,
        other.adapter,
    )
    prompted = (one.system_prompt, one.few_shot) != (other.system_prompt, other.few_shot)
    if same_model and prompted:
        return VariantLabels(method="prompt", scope=scope, source="target")
    return VariantLabels(scope=scope)
