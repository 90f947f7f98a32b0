"""A run as it lies on disk: read back, analysed again, its tables written anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.analysis import best_of_n, cells, effects, gaming, saturated
from alignmeter.api.drawing import drawers, drawings
from alignmeter.api.judge_caveats import judge_caveats
from alignmeter.api.reply_rows import reply_rows
from alignmeter.api.scores import capability_means
from alignmeter.api.smoke import smoke_exit_code, unscored_replies
from alignmeter.engine import Stopped
from alignmeter.records import HumanLabel, Record, Results, RunManifest, Usage
from alignmeter.store import RunData, RunFolder, counted_labels, read_labels, write_parquet
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import (
    ATTACKED,
    RULE,
    RULES,
    can_be_labelled,
    claim_labels,
    claimed_limits,
    coverage,
    decide,
    exit_code,
    is_disputed,
    people_answers,
    unlike_users,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.api.drawing import Drawings
    from alignmeter.records import Axis, Claim, ClaimLabels, Judgement, Trial
    from alignmeter.store import Cell
    from alignmeter.threat_model import ThreatModel


class Run(Record, frozen=True):
    """A run as it lies on disk.

    Attributes:
        stopped: Why this process stopped, None where the run was only read.
        resumed: Trials that were already answered when this process began.
        labels: What people said of its replies, in the order in which they said it.
        seen_by: Hash of the judge as which the run was read (`under_judge`), empty for its own judges.
    """

    path: Path
    manifest: RunManifest
    data: RunData
    results: Results
    stopped: Stopped | None = None
    resumed: int = 0
    labels: tuple[HumanLabel, ...] = ()
    seen_by: str = ""

    @property
    def answers(self) -> RunData:
        """The data with what people said in place of what the judge said of the same reply.

        To show replies one by one, with who said it. No rate is made of it: people label what stands for a
        claim, and first what the judge flagged (docs/decisions/0063).
        """
        return _answers(self.data, people_answers(self.labels))

    @property
    def served(self) -> tuple[Trial, ...]:
        """The trials in languages of the deployment: English that is only compared with is left out."""
        return _served(threat_model_from_dict(self.manifest.threat_model), self.data.trials)

    def rows(self) -> list[dict[str, Cell]]:
        """One flat row a reply, in the order of asking, all with the same columns: ready for a data frame.

        The columns of `transcripts.parquet`, then `prompt`, and for each axis its `AXIS_label`,
        `AXIS_unscored_reason` and, where its judge gives one, `AXIS_score` and `AXIS_confidence`,
        as the judge said, not people; last what judging took.
        """
        return reply_rows(self.data)

    def __repr__(self) -> str:
        found = Counter(verdict.verdict for verdict in self.results.verdicts)
        said = [f"{count} {verdict}" for verdict, count in found.items()] or ["no verdicts"]
        return (
            f"<Run {str(self.path)!r} of {self.manifest.target.name!r}: {self.results.answered} replies, "
            f"{', '.join(said)}, exit code {self.exit_code}>"
        )

    @property
    def exit_code(self) -> int:
        """Exit code of the whole run: 130 interrupted, 5 failed, else that of the verdicts."""
        code = None if self.stopped is None else self.stopped.exit_code
        return self.results.exit_code if code is None else code


def _answers(data: RunData, people: Mapping[Axis, Mapping[str, Judgement]]) -> RunData:
    own_axis = {trial.id: trial.axis for trial in data.trials}
    own = dict(data.judgements)
    others = {axis: dict(judged) for axis, judged in data.others.items()}
    for axis, said in people.items():
        for trial, answer in said.items():
            place = own if own_axis.get(trial) == axis else others.setdefault(axis, {})
            place[trial] = answer
    return msgspec.structs.replace(data, judgements=own, others=others)


def analyse(
    manifest: RunManifest,
    data: RunData,
    labels: Iterable[HumanLabel] = (),
    *,
    drawn_by: Drawings | None = None,
) -> Results:
    """Turn the judgements of a run into verdicts, cells and coverage; asks and judges nothing.

    Args:
        manifest: What was decided before the first call.
        data: Trials, transcripts and judgements.
        labels: What people said; those about a reply that counts.
        drawn_by: The answers of all judges of the run by their hash, for labels that others drew than
            those of `data` (`drawings`); None where nobody did.
    """
    counting = counted_labels(data, labels)
    people = people_answers(counting)
    model = threat_model_from_dict(manifest.threat_model)
    claims = manifest.design.claims
    languages = {trial.id: trial.language for trial in data.trials}
    verdicts = tuple(
        decide(
            _with_caveats(model, claim, data.trials),
            data.on(claim.axis),
            unscored_budget=manifest.design.unscored_budget,
            caveats=judge_caveats(claim, manifest, languages),
            people=people.get(claim.axis),
        )
        for claim in claims
    )
    by_people = {
        trial.id
        for trial in data.trials
        if (said := people.get(trial.axis, {}).get(trial.id)) is not None and not is_disputed(said.result)
    }
    harmful_axis = "harm" if data.on("harm") else "refusal"
    judged_all = [judged for on_axis in data.by_axis().values() for judged in on_axis.values()]
    transcripts = data.transcripts.values()
    errors = Counter(transcript.error.kind for transcript in transcripts if transcript.error is not None)
    unscored = unscored_replies(data)
    beside: Counter[str] = Counter()
    for charged in data.beside:
        beside[charged.role] += charged.calls
    # The judge's answers everywhere: people label what stands for a claim, and first what was flagged.
    rates = cells(_served(model, data.trials), data.judgements)
    return Results(
        run_id=manifest.run_id,
        judges=manifest.judges,
        verdicts=verdicts,
        cells=rates,
        coverage=(*coverage(model, data.trials, claims), *claimed_limits(claims)),
        exit_code=smoke_exit_code(data, unscored) if manifest.design.mode == "smoke" else exit_code(verdicts),
        trials=len(data.trials),
        answered=sum(transcript.error is None for transcript in transcripts),
        errors=dict(sorted(errors.items())),
        unscored=unscored,
        rule=_rule(manifest),
        usage=sum((t.usage for t in transcripts), data.checked.usage + Usage()),
        calls=data.checked.calls + sum(t.attempts for t in transcripts) + beside["target"],
        saved=len(data.trials) - len(data.transcripts)
        if data.complete and manifest.design.mode == "sequential"
        else 0,
        by_machine=len(data.judgements) - len(by_people),
        by_people=len(by_people),
        labels=_labels(manifest, data, counting, drawn_by or {}),
        effects=(
            # On both arms as well: people never label the twin of what stands for a claim.
            *effects(data.trials, data.on(harmful_axis), axis=harmful_axis),
            *effects(data.trials, data.judgements, axis="factuality"),
        ),
        best_of_n=best_of_n(
            data.trials,
            data.on(harmful_axis),
            draws=model.adversaries.best_of_n.draws,
            axis=harmful_axis,
            seed=manifest.design.seed,
        )
        if model.adversaries.best_of_n is not None
        else None,
        gaming=gaming(
            data.trials,
            data.on("refusal"),
            data.on("harm"),
            people.get("harm", {}),
            people_on_words=people.get("refusal"),
            units=_attack_units(manifest),
            unscored_budget=manifest.design.unscored_budget,
        ),
        judge_calls=data.checked.judge_calls + sum(judged.calls for judged in judged_all) + beside["judge"],
        judge_usage=sum((judged.usage for judged in judged_all), data.checked.judge_usage + Usage()),
        lost=sum((*(t.lost for t in transcripts), *(charged.tokens for charged in data.beside)), Usage()),
        saturated=saturated(rates),
        capability=capability_means(manifest, data),
        stopped_at=data.stopped_at,
        refused=dict(Counter(name for t in transcripts if t.error is None for name in t.refused)),
        judge_refused=_judge_refused(judged_all),
        unknown_endings=dict(Counter(t.finish_unknown for t in transcripts if t.finish_unknown is not None)),
    )


def _judge_refused(judged: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """What servers of judges' models refused, with the judgements made without it, by the judge's name."""
    found: dict[str, Counter[str]] = {}
    for one in judged:
        if one.refused:
            found.setdefault(one.judge, Counter()).update(one.refused)
    return {judge: dict(names) for judge, names in sorted(found.items())}


def _served(model: ThreatModel, trials: Iterable[Trial]) -> tuple[Trial, ...]:
    return tuple(trial for trial in trials if trial.language in model.languages)


def _with_caveats(model: ThreatModel, claim: Claim, trials: Sequence[Trial]) -> Claim:
    """The claim with what its verdict has to say of the deployment, beside what it says of the prompts."""
    said = unlike_users(model, claim, trials)
    return claim if said is None else msgspec.structs.replace(claim, caveats=(*claim.caveats, said))


def _attack_units(manifest: RunManifest) -> tuple[str, ...]:
    """The trials that stand for their family in the claim on attacks as a whole."""
    whole = (claim for claim in manifest.design.claims if claim.kind in ATTACKED and claim.part is None)
    return tuple(trial for claim in whole for unit in claim.units for trial in unit)


def _labels(
    manifest: RunManifest, data: RunData, labels: Sequence[HumanLabel], drawn_by: Drawings
) -> tuple[ClaimLabels, ...]:
    claims, people = manifest.design.claims, people_answers(labels)
    found = (
        claim_labels(
            claim,
            data.on(claim.axis),
            people[claim.axis],
            seed=manifest.design.seed,
            claims=claims,
            drawn_by=drawers(claim, data.on(claim.axis), labels, drawn_by),
        )
        for claim in claims
        if can_be_labelled(claim) and claim.axis in people
    )
    return tuple(made for made in found if made is not None)


def _rule(manifest: RunManifest) -> str:
    if any(claim.units and claim.design is None for claim in manifest.design.claims):
        return RULE
    return RULES[manifest.design.mode]


def load_run(path: Path | str) -> Run:
    """Read a run back and analyse it again, without touching its folder.

    Raises:
        RunFolderError: There is no run, or it cannot be read.
    """
    folder = RunFolder.open(Path(path))
    folder.check()
    manifest, data = folder.manifest, folder.read()
    labels = counted_labels(data, read_labels(folder.path))
    results = analyse(manifest, data, labels, drawn_by=drawings(folder, data, labels))
    return Run(path=folder.path, manifest=manifest, data=data, results=results, labels=labels)


def refresh(path: Path | str) -> Run:
    """Analyse a run again and write its `verdicts.json` and Parquet tables anew."""
    loaded = load_run(path)
    folder = RunFolder.open(Path(path))
    folder.write_results(loaded.results)
    write_parquet(folder.path)
    return loaded
