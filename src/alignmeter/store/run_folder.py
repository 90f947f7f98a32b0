"""Run folders: created private, written atomically, read back as one record."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import RunFolderError, SchemaVersionError, StorageError
from alignmeter.identity import digest, transcript_digest
from alignmeter.records import (
    SCHEMA_VERSION,
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
    JournalWriter,
    Judged,
    Opened,
    Planned,
    read_events,
    unanswered,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MANIFEST = "run.json"
JOURNAL = "journal.jsonl"
VERDICTS = "verdicts.json"
REPORT = "report.html"

_END_OF_TIME = 253_402_300_800.0
"""Seconds to the year 10000, beyond which no calendar of the standard library goes."""


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
    events = list(events)
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


class RunFolder:
    """One folder that holds everything of one evaluation of one target."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: JournalWriter | None = None

    @classmethod
    def create(cls, path: Path, manifest: RunManifest) -> RunFolder:
        """Make the folder (mode 0700, ignored by git), hold its journal, and write its manifest.

        The journal comes first, so that of two processes that begin a run here one does. It is held
        until `journal` hands it out. Where anything fails, an empty folder that was there before goes too.

        Raises:
            RunFolderError: Another process has begun a run there.
            StorageError: The folder cannot be made or written.
        """
        folder, ignore = cls(path), path / ".gitignore"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            ignore.write_text("*\n", encoding="utf-8")
            folder._held = JournalWriter(path / JOURNAL)
            if (path / MANIFEST).exists():
                raise RunFolderError(f"{path}: another process has begun a run there; give another --name")
            folder._write(MANIFEST, _pretty(manifest))
        except (OSError, StorageError, RunFolderError) as error:
            folder._give_up()
            if isinstance(error, StorageError | RunFolderError):
                raise
            raise unwritable(path, error) from None
        return folder

    def _give_up(self) -> None:
        """Release a journal that was held; a folder without a manifest is no run: leave nothing behind."""
        held, self._held = self._held, None
        begun = (self.path / MANIFEST).exists()
        with suppress(OSError, StorageError):
            if held is not None:
                if not begun and not held.events:
                    (self.path / JOURNAL).unlink()
                held.close()
        if not begun and not (self.path / JOURNAL).exists():
            with suppress(OSError):
                (self.path / ".gitignore").unlink(missing_ok=True)
                self.path.rmdir()

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing folder.

        Raises:
            RunFolderError: There is no run in it.
        """
        if not (path / MANIFEST).is_file():
            raise RunFolderError(
                f"{str(path)!r} is no run folder: expected a {MANIFEST} in it; see `alignmeter runs list`"
            )
        return cls(path)

    @property
    def manifest(self) -> RunManifest:
        """The manifest, read from disk.

        Raises:
            RunFolderError: It is corrupt, or of another schema version.
        """
        path = self.path / MANIFEST
        try:
            data = path.read_bytes()
            version = msgspec.json.decode(data, type=_SchemaOnly).schema_version
            if version != SCHEMA_VERSION:
                raise SchemaVersionError(
                    f"{path}: run folder of schema version {version}, this alignmeter works with "
                    f"{SCHEMA_VERSION}; open it with the version that wrote it, or start a new run"
                )
            manifest = msgspec.json.decode(data, type=RunManifest)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{path}: not a manifest of a run: {error}") from None
        if not 0 <= manifest.created_at < _END_OF_TIME:
            raise RunFolderError(
                f"{path}: expected created_at in seconds since 1970, got {manifest.created_at!r}"
            )
        return manifest

    def check(self) -> None:
        """Check that what belongs together is there, and is what its digests name.

        Raises:
            RunFolderError: The manifest cannot be read, its design or threat model is another than its
                digest names, or the journal is missing.
        """
        manifest, path = self.manifest, self.path / MANIFEST
        # As it was written: the records of this version may have fields that it did not know.
        written = msgspec.json.decode(path.read_bytes())
        for part, named in (
            ("design", manifest.design_hash),
            ("threat_model", manifest.threat_model_hash),
        ):
            if digest(written[part]) != named:
                raise RunFolderError(
                    f"{path}: expected the {part.replace('_', ' ')} with the digest {named[:16]} that it "
                    f"names, got another; it was changed after the run had begun: put the file back as it was"
                )
        if not (self.path / JOURNAL).is_file():
            raise RunFolderError(
                f"{self.path / JOURNAL}: missing, so nothing is known of what was asked; put it back, or "
                f"start the run again"
            )

    def events(self) -> list[Event]:
        """Read every event of the journal, in the order in which they were written."""
        return read_events(self.path / JOURNAL)[0]

    def read(self, judges: Collection[str] | None = None) -> RunData:
        """Read and fold the journal, under the run's own judges or under those of these hashes."""
        return fold(self.events(), judges)

    def all_judgements(self) -> tuple[Judgement, ...]:
        """Every judgement on a transcript that counts, by whichever judge: the latest of each judge."""
        events = self.events()
        counted = {
            trial: transcript_digest(transcript) for trial, transcript in fold(events).transcripts.items()
        }
        found = {
            (event.judgement.trial, event.judgement.judge_hash): event.judgement
            for event in events
            if isinstance(event, Judged) and counted.get(event.judgement.trial) == event.judgement.transcript
        }
        return tuple(found.values())

    def journal(self) -> JournalWriter:
        """Open the journal for appending; one process at a time."""
        held, self._held = self._held, None
        return held or JournalWriter(self.path / JOURNAL)

    def write_results(self, results: Results) -> Path:
        """Write `verdicts.json`."""
        return self._write(VERDICTS, _pretty(results))

    def read_results(self, data: RunData) -> Results | None:
        """Read `verdicts.json`, None where the run has none yet, or only those of an earlier stop.

        Args:
            data: What the journal says.

        Raises:
            RunFolderError: The file cannot be read.
        """
        path = self.path / VERDICTS
        try:
            results = msgspec.json.decode(path.read_bytes(), type=Results)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunFolderError(
                f"{path}: cannot be read ({error}); `alignmeter report {self.path}` writes it again"
            ) from None
        return results if data.gave(results) else None

    def write_report(self, html: str, name: str | None = None) -> Path:
        """Write `report.html`, or a file of this name."""
        return self._write(name or REPORT, html.encode())

    def _write(self, name: str, data: bytes) -> Path:
        """Replace a file whole or not at all."""
        target = self.path / name
        temporary: str | None = None
        try:
            fd, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except OSError as error:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise StorageError(
                f"cannot write {target}: {error.strerror}; the journal is kept - make room or fix the "
                f"permissions and start the same command again to resume"
            ) from None
        return target


def unwritable(path: Path, error: OSError) -> StorageError:
    """Why a run folder cannot be made."""
    return StorageError(
        f"cannot make the run folder {str(path)!r}: {error.strerror}; name a writable one with --runs"
    )


class _SchemaOnly(Record, frozen=True):
    schema_version: int = 0


def _pretty(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
