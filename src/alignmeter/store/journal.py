"""The journal: an append-only file of events, one JSON line each; the truth of a run.

A line is written to the operating system the moment its event happens, so that a killed process
loses nothing that it had finished; `fsync` follows in batches, off the event loop, so that a power
cut loses at most the last batch. See `alignmeter.store.lines` for locks, torn and corrupt lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from alignmeter.errors import RunFolderError, SchemaVersionError
from alignmeter.records import Judgement, Record, Transcript, Trial, Usage
from alignmeter.store.lines import LineFile, Lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

JOURNAL_VERSION = 3
"""Raised when a reader of the previous version could no longer make sense of a new line."""

StopReason = Literal[
    "complete", "interrupted", "budget", "target_unavailable", "judge_unavailable", "storage"
]


class Checked(Record, frozen=True):
    """Calls by which a process made sure of its models before the first trial, with their tokens."""

    calls: int = 0
    usage: Usage = Usage()
    judge_calls: int = 0
    judge_usage: Usage = Usage()

    def __add__(self, other: Checked) -> Checked:
        """Both together."""
        return Checked(
            calls=self.calls + other.calls,
            usage=self.usage + other.usage,
            judge_calls=self.judge_calls + other.judge_calls,
            judge_usage=self.judge_usage + other.judge_usage,
        )


class Opened(Record, frozen=True, tag="opened", omit_defaults=False):
    """A process began to work on the run; more than one means that it was resumed.

    Attributes:
        v: Version of the lines that this process writes; always spelled out in the JSON, so that
            an older reader can tell that it is too old.
        urls: Where it asks whom, as `RunManifest.urls` has it; empty in lines of earlier versions.
        checked: The calls that it had made by then.
    """

    at: float
    alignmeter_version: str
    v: int = JOURNAL_VERSION
    urls: dict[str, str] = {}  # noqa: RUF012 - msgspec makes each its own
    checked: Checked = Checked()


class Planned(Record, frozen=True, tag="planned"):
    """A trial of the design at its place in dispatch order; written once, before the first call."""

    index: int
    trial: Trial


class Asked(Record, frozen=True, tag="asked"):
    """A model is about to be shown a held-out trial; a process that dies now leaves no other trace of it.

    Attributes:
        role: `target`, or `judge` for a model behind a judge.
        model: Hash of the fingerprint of a judge's model; empty for the target, and in lines of earlier
            versions.
        url: Where that model is asked, empty where it has no address.
    """

    trial: str
    at: float
    role: Literal["target", "judge"] = "target"
    model: str = ""
    url: str = ""


class Heard(Record, frozen=True):
    """What a model answered for a judgement that could not be finished, so that nobody pays for it again.

    Attributes:
        asked: Digest of the model and of all that it was asked.
        reply: Its reply.
    """

    asked: str
    reply: dict[str, Any]


class Charged(Record, frozen=True, tag="charged"):
    """What a trial costs at the most, should the process end before its answer or judgement is here.

    Written right before each call and after each that failed; the latest one counts. One more, with what was
    heard, is written where a budget or the user ends a judgement halfway.

    Attributes:
        trial: Empty for calls before the first one that judges again.
        calls: Calls made for it, one that is about to be made included.
        tokens: The most that those calls may be billed.
        role: `target`, or `judge` for a model behind a judge.
        heard: What models have answered so far for the judgement.
        again: Hash of the judge where it judges after the run; calls and tokens are then those of all
            processes since its last judgement of the trial. Empty for a judge of the run.
    """

    trial: str
    calls: int
    tokens: Usage
    role: Literal["target", "judge"] = "target"
    heard: tuple[Heard, ...] = ()
    again: str = ""


class Answered(Record, frozen=True, tag="answered"):
    """What the target did on one trial: a reply, or a typed error after the last attempt."""

    transcript: Transcript


class Judged(Record, frozen=True, tag="judged"):
    """What one judge said of one transcript.

    Attributes:
        again: Whether it was judged after the run, by a judge that the run did not have.
    """

    judgement: Judgement
    again: bool = False


class Closed(Record, frozen=True, tag="closed"):
    """The process stopped by itself, and why."""

    at: float
    reason: StopReason
    detail: str = ""


Event = Opened | Planned | Asked | Charged | Answered | Judged | Closed


class _Versioned(Record, frozen=True):
    """The version of a line, read when the line itself is not understood."""

    v: int = 1


def events_at(path: Path) -> Iterator[tuple[int, Event]]:
    """Read the whole events of a journal one after another, holding none of them.

    Returns:
        The place in bytes where the line of an event ends, and the event, for each.

    Raises:
        RunFolderError: A line before the last one is corrupt, or a newer version wrote it.
    """
    return _JOURNAL.whole(path)


def read_events(path: Path) -> tuple[list[Event], int]:
    """Read every whole event of a journal.

    Returns:
        The events, and the length in bytes of the whole lines: what follows is a torn last line.

    Raises:
        RunFolderError: A line before the last one is corrupt, or a newer version wrote it.
    """
    events: list[Event] = []
    size = 0
    for size, event in events_at(path):  # noqa: B007 - the last one is the length
        events.append(event)
    return events, size


def unanswered(events: Iterable[Event]) -> tuple[Charged, ...]:
    """Return what was charged for calls whose answer or judgement no process lived to write down."""
    found: list[Charged] = []
    waiting: dict[tuple[str, str], Charged] = {}
    for event in events:
        match event:
            case Charged(trial=trial, role=role, again=""):
                waiting[trial, role] = event
            case Answered(transcript=transcript):
                waiting.pop((transcript.trial, "target"), None)
            case Judged(judgement=judgement, again=False):
                waiting.pop((judgement.trial, "judge"), None)
            case Opened():
                found.extend(waiting.values())
                waiting.clear()
            case _:
                pass
    return (*found, *waiting.values())


def heard_before(events: Iterable[Event]) -> dict[str, tuple[Heard, ...]]:
    """Return what models answered for judgements of the run that were ended halfway, by trial."""
    return {
        event.trial: event.heard
        for event in events
        if isinstance(event, Charged) and event.heard and not event.again
    }


def judged_again(
    events: Iterable[Event], judges: Collection[str]
) -> tuple[tuple[Judgement, ...], dict[tuple[str, str], Charged]]:
    """Return what judging again with these judges has cost so far.

    Args:
        events: The events of a journal.
        judges: Hashes of the judges.

    Returns:
        Every judgement that they made after the run, and what they were charged since for judgements that
        are not here, by trial and judge, with all that was heard for these.
    """
    made: list[Judgement] = []
    waiting: dict[tuple[str, str], Charged] = {}
    for event in events:
        match event:
            case Charged(trial=trial, again=judge) if judge in judges:
                known = waiting.get((trial, judge))
                heard = event.heard or (() if known is None else known.heard)
                waiting[trial, judge] = msgspec.structs.replace(event, heard=heard)
            case Judged(judgement=judgement, again=True) if judgement.judge_hash in judges:
                made.append(judgement)
                waiting.pop((judgement.trial, judgement.judge_hash), None)
            case _:
                pass
    return tuple(made), waiting


def _corrupt(path: Path, number: int, line: bytes, error: Exception) -> RunFolderError:
    try:
        version = msgspec.json.decode(line, type=_Versioned).v
    except (msgspec.MsgspecError, UnicodeDecodeError):
        version = JOURNAL_VERSION
    if version > JOURNAL_VERSION:
        return SchemaVersionError(_newer(path, number, version))
    return RunFolderError(
        f"{path}:{number}: corrupt line ({error}); everything before it is intact - restore the file "
        f"from a backup, or cut it before line {number} to ask the later trials again"
    )


def _admit(path: Path, number: int, event: Event) -> None:
    if isinstance(event, Opened) and event.v > JOURNAL_VERSION:
        raise SchemaVersionError(_newer(path, number, event.v))


def _newer(path: Path, number: int, version: int) -> str:
    return (
        f"{path}:{number}: this journal has schema version {version}, this alignmeter reads up to "
        f"{JOURNAL_VERSION}; upgrade alignmeter to open the run"
    )


_JOURNAL = LineFile[Event](
    decoder=msgspec.json.Decoder(Event),
    unreadable=lambda path, error: RunFolderError(f"{path}: the journal cannot be read: {error.strerror}"),
    corrupt=_corrupt,
    held=lambda path: RunFolderError(
        f"{path.parent}: another alignmeter process is working on this run; wait for it or stop it"
    ),
    unwritable=lambda path, error: (
        f"cannot write {path}: {error.strerror}; what was finished before is kept - make room or fix the "
        f"permissions and start the same command again to resume"
    ),
    admit=_admit,
)


class JournalWriter(Lines[Event]):
    """Appends events to a journal that this process alone holds.

    Args:
        path: The journal; created with mode 0600 when missing, a torn last line is cut off.

    Raises:
        RunFolderError: Another process holds the journal, or it is corrupt.
        StorageError: The file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _JOURNAL)

    @property
    def events(self) -> list[Event]:
        """The events that the journal held when it was opened."""
        return self.read

    def append(self, event: Event) -> None:
        """Write one event as one line; half of a surrogate pair in a text becomes a question mark.

        Raises:
            StorageError: The disk is full or gone; the journal is left as it was before the call.
        """
        self.write((event,))

    def append_all(self, events: Iterable[Event]) -> None:
        """Write many events with few system calls, for the planning of a run."""
        self.write(events)
