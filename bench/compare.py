"""How fast and how lean a comparison is: two finished runs of 100,000 attacked requests each.

Run it from the checkout: `python bench/compare.py [PAIRS]`. Run folders are made up first. Each way is
then measured in a process of its own, which prints its seconds on the clock, its seconds of processor
time and its peak memory; on a machine that is busy with other work the second is the one that says
something. `pairs` is the comparison itself, with all trials and judgements in memory; `folders` reads
both journals too, and `stopped` does so where the tuned run stopped early, so that lines are bets.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.records import Trial
    from alignmeter.store.journal import Event

PAIRS = 100_000
WAYS = ("pairs", "folders", "stopped")
ATTACKS = ("hierarchy", "many_shot", "roleplay", "suffix")
DOMAINS = ("chemistry", "financial", "legal", "medical", "security")
HAZARDS = ("drugs", "fraud", "hate", "privacy", "violence")
LANGUAGES = ("de", "en", "es", "fr")
WORDS = ("about", "brick", "bridge", "clock", "cold", "garden", "glass", "green", "house", "letter", "make")
REQUEST, REPLY = 25, 60
"""Words of each."""


def trials_of(pairs: int) -> list[Trial]:
    """Attacked harmful requests, one a family, of some words each."""
    from alignmeter.identity import text_digest
    from alignmeter.records import Message, Trial

    made: list[Trial] = []
    for number in range(pairs):
        request = " ".join(random.choices(WORDS, k=REQUEST))  # noqa: S311
        made.append(
            Trial(
                id=text_digest(f"trial {number}"),
                probe=f"probe-{number}",
                suite="triad",
                family=f"family-{number}",
                intent="harmful",
                domain=random.choice(DOMAINS),  # noqa: S311
                language=random.choice(LANGUAGES),  # noqa: S311
                axis="refusal",
                messages=(Message(role="user", content=request),),
                request=request,
                attack=ATTACKS[number % len(ATTACKS)],
                attack_class=ATTACKS[number % len(ATTACKS)],
                hazard=random.choice(HAZARDS),  # noqa: S311
            )
        )
    return made


def write(path: Path, trials: list[Trial], share: float, *, asked: int | None = None) -> None:
    """Write the run of a model that complies with a share of the requests."""
    from alignmeter.identity import design_hash, fingerprint_hash, transcript_digest
    from alignmeter.judges import default_judges
    from alignmeter.records import (
        Claim,
        Design,
        Judgement,
        Message,
        RefusalResult,
        RunManifest,
        Sampling,
        TargetFingerprint,
        TargetRecord,
        Transcript,
    )
    from alignmeter.store import Answered, Closed, Judged, Opened, Planned, RunFolder
    from alignmeter.threat_model import ThreatModel

    claim = Claim(
        id="attack_compliance",
        kind="attack_compliance",
        title="Compliance under attack",
        threshold=0.05,
        alpha=0.05,
        units=tuple((trial.id,) for trial in trials),
    )
    design = Design(
        mode="fixed" if asked is None else "sequential",
        alpha=0.05,
        seed=1,
        unscored_budget=0.02,
        claims=(claim,),
        trials="",
        n_trials=len(trials),
    )
    fingerprint = TargetFingerprint(kind="python", model=path.name, sampling=Sampling())
    model = ThreatModel(name="a benchmark")
    folder = RunFolder.create(
        path,
        RunManifest(
            schema_version=1,
            run_id=path.name,
            created_at=1.0,
            target=TargetRecord(
                spec=f"python:bench:{path.name}",
                name=path.name,
                fingerprint=fingerprint,
                fingerprint_hash=fingerprint_hash(fingerprint),
            ),
            threat_model=model.as_dict(),
            threat_model_hash=model.hash,
            threat_model_source="a benchmark",
            suites={},
            judges={},
            design=design,
            design_hash=design_hash(design),
            packages={},
            alignmeter_version="0",
        ),
    )
    judge = default_judges(["en"])["refusal"]
    journal = folder.journal()
    journal.append(Opened(at=1.0, alignmeter_version="0"))
    journal.append_all([Planned(index=index, trial=trial) for index, trial in enumerate(trials)])
    events: list[Event] = []
    for trial in trials[:asked]:
        words = " ".join(random.choices(WORDS, k=REPLY))  # noqa: S311
        answer = Transcript(
            trial=trial.id, reply=Message(role="assistant", content=words), finish_reason="stop"
        )
        bad = random.random() < share  # noqa: S311
        events.append(Answered(transcript=answer))
        events.append(
            Judged(
                judgement=Judgement(
                    trial=trial.id,
                    transcript=transcript_digest(answer),
                    judge=judge.name,
                    judge_hash=judge.judge_hash,
                    axis="refusal",
                    result=RefusalResult(label="none" if bad else "full"),
                )
            )
        )
    journal.append_all(events)
    journal.append(Closed(at=2.0, reason="complete"))
    journal.close()


def measure(way: str, folder: Path) -> None:
    """Compare two runs in one way and print what it took."""
    from alignmeter.api.compared_runs import read_arm
    from alignmeter.api.comparing import compare, compare_arms

    base, tuned = folder / "base", folder / ("stopped" if way == "stopped" else "tuned")
    arms = (read_arm("base", base), read_arm("tuned", tuned)) if way == "pairs" else None
    clock, work = time.perf_counter(), time.process_time()
    found = compare(base, tuned) if arms is None else compare_arms(*arms)
    seconds, worked = time.perf_counter() - clock, time.process_time() - work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{way:<8}{found.claim.pairs:>9,} pairs {len(found.deltas):>3} lines {len(found.flips):>7,} flips "
        f"{found.claim.verdict:<5}{seconds:6.2f} s on the clock {worked:6.2f} s of work {peak:5.0f} MB peak"
    )


def main() -> None:
    """Write the runs, and compare them each way in a process of its own."""
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]))
        return
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    random.seed(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trials = trials_of(pairs)
        write(folder / "base", trials, 0.10)
        write(folder / "tuned", trials, 0.15)
        write(folder / "stopped", trials, 0.15, asked=pairs - pairs // 10)
        for way in WAYS:
            subprocess.run([sys.executable, __file__, way, name], check=True)


if __name__ == "__main__":
    main()
