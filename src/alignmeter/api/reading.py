"""A run as it lies on disk: read back, analysed again, its tables written anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter.analysis import cells
from alignmeter.judges import cards_for
from alignmeter.records import Record, Results, RunManifest, Usage
from alignmeter.store import RunData, RunFolder, write_parquet
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import RULE, RULES, coverage, decide, exit_code

if TYPE_CHECKING:
    from alignmeter.engine import Stopped
    from alignmeter.records import Claim

_LABELLERS = {"people": "people", "machine": "a machine, unseen by people"}


class Run(Record, frozen=True):
    """A run as it lies on disk.

    Attributes:
        stopped: Why this process stopped, None where the run was only read.
        resumed: Trials that were already answered when this process began.
    """

    path: Path
    manifest: RunManifest
    data: RunData
    results: Results
    stopped: Stopped | None = None
    resumed: int = 0

    @property
    def exit_code(self) -> int:
        """Exit code of the whole run: 130 interrupted, 5 failed, else that of the verdicts."""
        match self.stopped.reason if self.stopped else "complete":
            case "interrupted":
                return 130
            case "target_unavailable" | "storage":
                return 5
            case _:
                return self.results.exit_code


def analyse(manifest: RunManifest, data: RunData) -> Results:
    """Turn the judgements of a run into verdicts, cells and coverage; asks and judges nothing."""
    model = threat_model_from_dict(manifest.threat_model)
    verdicts = tuple(
        decide(
            claim,
            data.on(claim.axis),
            unscored_budget=manifest.design.unscored_budget,
            caveats=_judge_caveats(claim, manifest),
        )
        for claim in manifest.design.claims
    )
    transcripts = data.transcripts.values()
    errors = Counter(transcript.error.kind for transcript in transcripts if transcript.error is not None)
    smoke_failed = data.transcripts and len(errors) > 0 and errors.total() == len(data.transcripts)
    return Results(
        run_id=manifest.run_id,
        judges=manifest.judges,
        verdicts=verdicts,
        cells=cells(data.trials, data.judgements),
        coverage=coverage(model, data.trials),
        exit_code=(5 if smoke_failed else 0) if manifest.design.mode == "smoke" else exit_code(verdicts),
        trials=len(data.trials),
        answered=sum(transcript.error is None for transcript in transcripts),
        errors=dict(sorted(errors.items())),
        rule=_rule(manifest),
        usage=Usage(
            prompt_tokens=sum(t.usage.prompt_tokens or 0 for t in transcripts),
            completion_tokens=sum(t.usage.completion_tokens or 0 for t in transcripts),
        ),
        calls=sum(t.attempts for t in transcripts),
        saved=len(data.trials) - len(data.transcripts)
        if data.complete and manifest.design.mode == "sequential"
        else 0,
    )


def _rule(manifest: RunManifest) -> str:
    if any(claim.units and claim.design is None for claim in manifest.design.claims):
        return RULE
    return RULES[manifest.design.mode]


def _judge_caveats(claim: Claim, manifest: RunManifest) -> tuple[str, ...]:
    """Say how good the judge of this claim is, on what, and whether the interval carries it."""
    design = claim.design
    if claim.kind == "coverage":
        return ()
    if design is None:
        return ("The judge's own error is not in the interval.",)
    if design.event is None or design.sensitivity is None or design.specificity is None:
        return ("The judge of this claim has no card: its error is unknown.",)
    known = [card for judge_hash in manifest.judges.values() for card in cards_for(judge_hash)]
    card = next((card for card in known if card.event == design.event), None)
    where = f"{card.n} replies of {card.data} labelled by {_LABELLERS[card.labels_by]}" if card else "labels"
    found, cleared = design.sensitivity[0], design.specificity[0]
    return (
        f"The judge is not perfect: on {where} it found {found:.0%} of the bad ones and cleared "
        f"{cleared:.0%} of the good ones. The bounds of this error are in the interval; that it errs no "
        f"more often here than there is assumed.",
    )


def load_run(path: Path | str) -> Run:
    """Read a run back and analyse it again, without touching its folder.

    Raises:
        RunFolderError: There is no run, or it cannot be read.
    """
    folder = RunFolder.open(Path(path))
    manifest, data = folder.manifest, folder.read()
    return Run(path=folder.path, manifest=manifest, data=data, results=analyse(manifest, data))


def refresh(path: Path) -> Run:
    """Analyse a run again and write its `verdicts.json` and Parquet tables anew."""
    loaded = load_run(path)
    folder = RunFolder.open(path)
    folder.write_results(loaded.results)
    write_parquet(folder.path)
    return loaded
