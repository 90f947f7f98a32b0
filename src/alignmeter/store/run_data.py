"""What a journal says, folded to what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.identity import transcript_digest
from alignmeter.records import (
    Axis,
    Judgement,
    Record,
    Results,
    RunManifest,
    Transcript,
    Trial,
    Unscored,
)
from alignmeter.store.journal import (
    Answered,
    Asked,
    Charged,
    Checked,
    Closed,
    Event,
    Judged,
    Opened,
    Planned,
    unanswered,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class RunData(Record, frozen=True):
    """What the journal of a run says, folded to what counts.

    Attributes:
        trials: Planned trials in dispatch order.
        transcripts: The one transcript that counts for each trial: its first reply, or else its
            last error.
        judgements: By trial id; the latest judgement on the trial's own axis and on the transcript that
            counts.
        closed: The last stop of a process, None while it runs or after it was killed.
        others: The same on further axes, for example harm beside refusal: by axis, then by trial id.
        beside: What calls cost at the most whose answer or judgement no process lived to keep.
        urls: Every base URL that was asked, by whom (`RunManifest.urls`), in the order of their first use.
        worked_at: When a process last began, asked or stopped, in seconds since 1970; 0 where none did.
        checked: Calls before the first trial, of all the processes that worked on the run.
    """

    trials: tuple[Trial, ...]
    transcripts: dict[str, Transcript]
    judgements: dict[str, Judgement]
    closed: Closed | None = None
    others: dict[Axis, dict[str, Judgement]] = {}  # noqa: RUF012 - msgspec makes each its own
    beside: tuple[Charged, ...] = ()
    urls: dict[str, tuple[str, ...]] = {}  # noqa: RUF012
    worked_at: float = 0.0
    checked: Checked = Checked()

    def on(self, axis: Axis) -> dict[str, Judgement]:
        """Judgements on one axis by trial id, whether it is the trial's own axis or a further one."""
        return self.by_axis().get(axis, {})

    def by_axis(self) -> dict[Axis, dict[str, Judgement]]:
        """All judgements that count, by axis and then by trial id."""
        found: dict[Axis, dict[str, Judgement]] = {axis: dict(on) for axis, on in self.others.items()}
        for trial, judged in self.judgements.items():
            found.setdefault(judged.axis, {})[trial] = judged
        return found

    @property
    def complete(self) -> bool:
        """Whether the run came to its planned end."""
        return self.closed is not None and self.closed.reason == "complete"

    @property
    def stopped_at(self) -> float:
        """When the last process stopped by itself, 0 where it runs or was killed (`Results.stopped_at`)."""
        return 0.0 if self.closed is None else self.closed.at

    def asked_at(self, manifest: RunManifest) -> dict[str, tuple[str, ...]]:
        """Every base URL that the run has asked, by whom; of earlier versions only what the manifest says."""
        known: dict[str, tuple[str, ...]] = {who: (url,) for who, url in manifest.urls.items()}
        for who, urls in self.urls.items():
            known[who] = tuple(dict.fromkeys((*known.get(who, ()), *urls)))
        return known

    def gave(self, results: Results) -> bool:
        """Whether results were made of this journal, not of what it held at an earlier stop."""
        if results.stopped_at is None:
            return results.answered + sum(results.errors.values()) == len(self.transcripts)
        return results.stopped_at == self.stopped_at


def fold(events: Iterable[Event], judges: Collection[str] | None = None) -> RunData:
    """Fold events, in journal order, to what counts: no trial twice.

    An error of the target is UNSCORED on every axis on which its reply would have been judged, whoever
    judges there, whether or not the journal says so (docs/decisions/0047).

    Args:
        events: The events of a journal.
        judges: Hashes of the judges whose answers count; None for those that the run itself had.
    """
    events = tuple(events)
    trials: dict[int, Trial] = {}
    transcripts: dict[str, Transcript] = {}
    judged: dict[str, dict[Axis, Judgement]] = {}
    told: set[str] = set()
    closed: Closed | None = None
    for event in events:
        match event:
            case Planned(index=index, trial=trial):
                trials.setdefault(index, trial)
            case Answered(transcript=transcript):
                counted = transcripts.get(transcript.trial)
                if counted is None or counted.error is not None:
                    transcripts[transcript.trial] = transcript
                    judged.pop(transcript.trial, None)
                    told.discard(transcript.trial)
            case Judged(judgement=judgement, again=again):
                told.add(judgement.trial)
                if (not again) if judges is None else (judgement.judge_hash in judges):
                    judged.setdefault(judgement.trial, {})[judgement.axis] = judgement
            case Opened() | Closed():
                closed = event if isinstance(event, Closed) else None
            case Asked() | Charged():
                pass
    ordered = tuple(trials[index] for index in sorted(trials))
    _add_errors([trial for trial in ordered if trial.id in told], transcripts, judged)
    own_axis = {trial.id: trial.axis for trial in ordered}
    own: dict[str, Judgement] = {}
    others: dict[Axis, dict[str, Judgement]] = {}
    for trial, by_axis in judged.items():
        for axis, judgement in by_axis.items():
            if own_axis.get(trial, axis) == axis:
                own[trial] = judgement
            else:
                others.setdefault(axis, {})[trial] = judgement
    return RunData(
        trials=ordered,
        transcripts=transcripts,
        judgements=own,
        closed=closed,
        others=others,
        beside=unanswered(events),
        urls=_urls(events),
        worked_at=max(map(_at, events), default=0.0),
        checked=sum((event.checked for event in events if isinstance(event, Opened)), Checked()),
    )


def _urls(events: Iterable[Event]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for event in events:
        for who, url in event.urls.items() if isinstance(event, Opened) else ():
            found[who] = tuple(dict.fromkeys((*found.get(who, ()), url)))
    return found


def _at(event: Event) -> float:
    match event:
        case Opened(at=at) | Closed(at=at):
            return at
        case Answered(transcript=transcript):
            return transcript.started_at
        case _:
            return 0.0


def _add_errors(
    trials: Iterable[Trial],
    transcripts: Mapping[str, Transcript],
    judged: dict[str, dict[Axis, Judgement]],
) -> None:
    """Say of each error among trials that were judged that it has no score, on all axes judged here."""
    judges: dict[Axis, Judgement] = {}
    for by_axis in judged.values():
        for axis, judgement in by_axis.items():
            judges.setdefault(axis, judgement)
    for trial in trials:
        transcript = transcripts.get(trial.id)
        if transcript is None or transcript.error is None:
            continue
        known = judged.setdefault(trial.id, {})
        for axis in trial.axes:
            if axis in judges and axis not in known:
                known[axis] = Judgement(
                    trial=trial.id,
                    transcript=transcript_digest(transcript),
                    judge=judges[axis].judge,
                    judge_hash=judges[axis].judge_hash,
                    axis=axis,
                    result=Unscored.by_error(transcript.error),
                )
