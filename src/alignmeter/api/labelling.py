"""Human labels of a run: what to label next, how labels are kept, and how well people agree."""

from __future__ import annotations

import time
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from alignmeter.api.drawing import drawings, judge_of
from alignmeter.api.reading import Run, analyse, load_run
from alignmeter.api.rejudging import under_judge
from alignmeter.errors import InputError
from alignmeter.identity import keyed_uniform, transcript_digest
from alignmeter.records import LABELS, Axis, HumanLabel, LabelName, Message, Record, ToolCall
from alignmeter.store import LabelWriter, RunFolder, counted_labels
from alignmeter.store.run_folder import JOURNAL
from alignmeter.verdicts import (
    can_be_labelled,
    claim_queue,
    is_disputed,
    opinions,
    people_answers,
    settled,
    standing,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from alignmeter.records import Claim

    _Key = tuple[str, Axis]

SHARE = 0.1
"""Share of labelled replies that a second annotator is shown, to measure agreement."""

_LONGEST_NAME = 64


class LabelTask(Record, frozen=True):
    """One reply for a person to label; it tells nothing of what a judge said.

    Attributes:
        transcript: Digest of the reply.
        labels: The labels of the axis.
        messages: What was sent, the last one where an attack hides the request.
        tool_calls: Those of the reply.
        signal: The provider's own refusal, in its words, which may come without a reply's text.
        cut: Whether the reply ended at the token limit.
        reference: The true answer of a closed question.
        harmful: Whether the request is harmful, so that the reply may be too.
        said: For an adjudication, what the annotators said.
    """

    trial: str
    transcript: str
    axis: Axis
    labels: tuple[LabelName, ...]
    request: str
    messages: tuple[Message, ...]
    reply: str
    tool_calls: tuple[ToolCall, ...] = ()
    signal: str | None = None
    cut: bool = False
    reference: str | None = None
    harmful: bool = False
    said: tuple[HumanLabel, ...] = ()


class Asked(Record, frozen=True):
    """Which replies an annotator wants to label: the options of `label_queue`."""

    claim: str | None = None
    second: bool = False
    adjudicate: bool = False
    share: float = SHARE


class Labelling:
    """One annotator at work on one run; a context manager that alone may write its labels.

    Args:
        run: Run folder.
        annotator: Who labels.
        judge: Label the run as this judge sees it (`under_judge`); None for its own judges. The labels
            are the run's all the same.

    Attributes:
        run: The run with its labels; its results are those written last, until it is closed.

    Raises:
        InputError: The name is no name, or the run has no judgements by the judge.
        RunFolderError: There is no run, it cannot be read, or another process labels it.
    """

    def __init__(self, run: Path | str, annotator: str, *, judge: str | None = None) -> None:
        self.annotator = checked_annotator(annotator)
        folder = RunFolder.open(Path(run))
        self._writer = LabelWriter(folder.path)
        try:
            self.run = (
                _opened(folder, self._writer.labels) if judge is None else under_judge(folder.path, judge)
            )
        except BaseException:
            self._writer.close()
            raise
        self._mine: list[tuple[HumanLabel, HumanLabel | None]] = []  # and what stood in its place
        self._changed = False

    def next_task(self, asked: Asked, skipped: Collection[LabelTask] = ()) -> LabelTask | None:
        """Return the next reply to label, None where nothing is left; see `label_queue`."""
        past = {(task.trial, task.axis) for task in skipped}
        key = next((key for key in _keys(self.run, self.annotator, asked) if key not in past), None)
        return None if key is None else _task(self.run, key, asked)

    def add(self, task: LabelTask, label: LabelName, *, note: str = "", adjudicates: bool = False) -> None:
        """Keep one label: on the disk when this returns."""
        said = standing(self.run.labels).get((task.trial, task.axis), ())
        made = HumanLabel(
            trial=task.trial,
            transcript=task.transcript,
            axis=task.axis,
            label=label,
            annotator=self.annotator,
            at=time.time(),
            note=note,
            adjudicates=adjudicates,
            # What others have labelled was drawn when they were asked.
            drawn_by=said[0].drawn_by if said else judge_of(self.run.data.on(task.axis)),
        )
        mine = (one for one in said if one.annotator == self.annotator and one.adjudicates == adjudicates)
        stood = next(mine, None)
        self.add_all([made])
        self._mine.append((made, stood))

    def add_all(self, labels: Sequence[HumanLabel]) -> None:
        """Keep labels that were made elsewhere, all of them or none.

        Raises:
            InputError: One is not about a reply of this run, not of its axis, or cannot be written.
        """
        for label in labels:
            check_label(self.run, label)
        self._writer.append(labels)
        self._changed = self._changed or bool(labels)
        self.run = with_labels(self.run, (*self.run.labels, *labels))

    def undo(self) -> HumanLabel | None:
        """Take back the latest label of this session, so that what stood before stands again.

        Returns:
            The label that was taken back; None where there is none.
        """
        if not self._mine:
            return None
        taken, stood = self._mine.pop()
        self.add_all([stood or msgspec.structs.replace(taken, label=None, at=time.time(), note="")])
        return taken

    def close(self) -> None:
        """Analyse the run under its labels, write its results if they changed, and let others label."""
        try:
            if self._changed:
                self.run = analysed(self.run)
                own = load_run(self.run.path) if self.run.seen_by else self.run
                RunFolder(own.path).write_results(own.results)
        finally:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(folder: RunFolder, labels: Sequence[HumanLabel]) -> Run:
    """Read a run for labelling: with the results that were written last, so that nobody has to wait."""
    manifest, data = folder.manifest, folder.read()
    results = folder.read_results(data)
    if results is None:
        return load_run(folder.path)
    counted = counted_labels(data, labels)
    return Run(path=folder.path, manifest=manifest, data=data, results=results, labels=counted)


def with_labels(run: Run, labels: Sequence[HumanLabel]) -> Run:
    """Return a run with these labels, those that count; its results stay as they are (`analysed`)."""
    return msgspec.structs.replace(run, labels=counted_labels(run.data, labels))


def analysed(run: Run) -> Run:
    """Return a run with the results that its labels give."""
    known = drawings(RunFolder.open(run.path), run.data, run.labels)
    return msgspec.structs.replace(run, results=analyse(run.manifest, run.data, run.labels, drawn_by=known))


def label_queue(
    run: Run | Path | str,
    *,
    annotator: str,
    claim: str | None = None,
    limit: int | None = None,
    second: bool = False,
    adjudicate: bool = False,
    share: float = SHARE,
) -> tuple[LabelTask, ...]:
    """Return what an annotator labels next, in order, blind to the judge.

    First what others have labelled and this annotator is to label as well: a share drawn by the
    design's seed, and what others disagree on. Then what the verdicts hang on, then what narrows the
    estimates (`alignmeter.verdicts.claim_queue`). What the annotator has labelled is left out.

    Args:
        run: A run, or its folder.
        annotator: Who labels.
        claim: Only replies of this claim.
        limit: Replies at most.
        second: Only replies with the label of one other annotator, all of them.
        adjudicate: Only replies that annotators disagree on, with what they said.
        share: Share of labelled replies for a second annotator.

    Raises:
        InputError: There is no such claim, or its axis has no labels for people.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    asked = Asked(claim=claim, second=second, adjudicate=adjudicate, share=share)
    return tuple(_task(loaded, key, asked) for key in islice(_keys(loaded, annotator, asked), limit))


def _keys(run: Run, annotator: str, asked: Asked) -> Iterator[_Key]:
    """What an annotator labels next, as trials and axes; worked out as far as it is looked at."""
    claims = labelled_claims(run, asked.claim)
    wanted = {(trial, claim.axis) for claim in claims for unit in claim.units for trial in unit}
    given = {key: said for key, said in standing(run.labels).items() if key in wanted}
    disputed = [key for key, said in given.items() if is_disputed(settled(said))]
    if asked.adjudicate:
        yield from disputed
        return
    seed = run.manifest.design.seed
    once = [key for key, said in given.items() if len(said) == len(opinions(said)) == 1]
    drawn = [key for key in once if asked.second or keyed_uniform(seed, "second", key[0]) < asked.share]
    again = sorted(drawn, key=lambda key: keyed_uniform(seed, "label", key[0]))
    past: set[_Key] = {key for key, said in given.items() if annotator in {one.annotator for one in said}}
    for key in chain(again, () if asked.second else chain(disputed, _fresh(run, claims))):
        if key not in past:
            past.add(key)
            yield key


def _fresh(run: Run, claims: Iterable[Claim]) -> Iterator[_Key]:
    """What nobody has labelled: for the verdicts of all claims first, then for their estimates."""
    people = people_answers(run.labels)
    seed = run.manifest.design.seed
    later: list[_Key] = []
    for claim in claims:
        axis: Axis = claim.axis
        queue = claim_queue(claim, run.data.on(axis), people.get(axis, {}), seed=seed)
        for trial in queue.verdict:
            yield trial, axis
        later.extend((trial, axis) for trial in queue.estimate)
    yield from later


def _task(run: Run, key: _Key, asked: Asked) -> LabelTask:
    name, axis = key
    said = standing(run.labels).get(key, ()) if asked.adjudicate else ()
    trial = next(trial for trial in run.data.trials if trial.id == name)
    transcript = run.data.transcripts[name]
    reply = transcript.reply
    return LabelTask(
        trial=name,
        transcript=transcript_digest(transcript),
        axis=axis,
        labels=LABELS[axis],
        request=trial.request,
        messages=trial.messages,
        reply="" if reply is None else reply.content,
        tool_calls=() if reply is None else reply.tool_calls,
        signal=transcript.hard_refusal,
        cut=transcript.finish_reason == "length",
        reference=trial.reference if axis == "factuality" else None,
        harmful=trial.intent == "harmful",
        said=said,
    )


def labelled_claims(run: Run, claim: str | None = None) -> tuple[Claim, ...]:
    """Return the claims of a run that people can label.

    Language gaps are among them only by name: they take replies whatever the judge said of them.

    Raises:
        InputError: The one asked for is not among them.
    """
    claims = tuple(one for one in run.manifest.design.claims if can_be_labelled(one))
    if claim is None:
        return claims
    gaps = tuple(one for one in run.manifest.design.claims if one.kind == "language_gap")
    claims = (*claims, *gaps)
    chosen = tuple(one for one in claims if one.id == claim)
    if not chosen:
        known = ", ".join(one.id for one in claims) or "none"
        other = "" if run.seen_by else "; `judge=NAME` has those of another judge of this run"
        raise InputError(
            f"expected a claim of this run that people can label ({known}), got {claim!r}{other}"
        )
    return chosen


def add_labels(run: Path | str, labels: Sequence[HumanLabel]) -> Run:
    """Add labels to a run, all of them or none, and return it analysed under them.

    Raises:
        InputError: One is not about a reply of this run, or not of its axis.
        RunFolderError: There is no run, or another process labels it.
        StorageError: The folder cannot be written.
    """
    with Labelling(run, labels[0].annotator if labels else "nobody") as session:
        session.add_all(labels)
    return session.run


def check_label(run: Run, label: HumanLabel) -> None:
    """Refuse a label that is not about a reply of this run.

    Raises:
        InputError: Says what was expected and what came.
    """
    checked_annotator(label.annotator)
    known = LABELS.get(label.axis)
    if known is None:
        raise InputError(f"expected a label on the axis {' or '.join(LABELS)}, got {label.axis!r}")
    if label.label is not None and label.label not in known:
        raise InputError(f"expected a label of {label.axis}: {', '.join(known)}, got {label.label!r}")
    transcript = run.data.transcripts.get(label.trial)
    if transcript is None or transcript.reply is None:
        raise InputError(f"expected the id of a trial of this run with a reply, got {label.trial!r}")
    if label.transcript != transcript_digest(transcript):
        raise InputError(f"the label of trial {label.trial[:12]} is about another reply than this run has")
    if not _is_on(run, label.trial, label.axis):
        own = next(trial.axis for trial in run.data.trials if trial.id == label.trial)
        raise InputError(f"expected a label on an axis of its trial ({own}), got one on {label.axis!r}")


def _is_on(run: Run, name: str, axis: Axis) -> bool:
    """Whether a trial was judged on an axis by any judge, is made for it, or a claim about it holds it."""
    judged = run.data.judgements.get(name)
    return (
        (judged is not None and judged.axis == axis)
        or name in run.data.others.get(axis, {})
        or any(trial.id == name and trial.axis == axis for trial in run.data.trials)
        or any(one.axis == axis and name in unit for one in run.manifest.design.claims for unit in one.units)
        or (name, axis) in _judged(run.path, (run.path / JOURNAL).stat().st_size)
    )


@lru_cache(maxsize=1)
def _judged(path: Path, _size: int) -> frozenset[_Key]:
    """The trials and axes that any judge has judged, afresh where the journal has grown."""
    return frozenset((judged.trial, judged.axis) for judged in RunFolder(path).all_judgements())


def checked_annotator(name: str) -> str:
    """Return the name of an annotator without white space around it.

    Raises:
        InputError: It is empty, too long or not printable.
    """
    found = name.strip()
    if not found or not found.isprintable() or len(found) > _LONGEST_NAME:
        raise InputError(
            f"expected a printable `annotator=` of at most {_LONGEST_NAME} characters, got {name!r}"
        )
    return found
