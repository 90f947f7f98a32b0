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
    Judgement,
    Record,
    Results,
    RunManifest,
)
from alignmeter.store.journal import (
    Event,
    JournalWriter,
    Judged,
    read_events,
)
from alignmeter.store.run_data import RunData, fold

if TYPE_CHECKING:
    from collections.abc import Collection

MANIFEST = "run.json"
JOURNAL = "journal.jsonl"
VERDICTS = "verdicts.json"
REPORT = "report.html"

_END_OF_TIME = 253_402_300_800.0
"""Seconds to the year 10000, beyond which no calendar of the standard library goes."""


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
                raise RunFolderError(f"{path}: another process has begun a run there; give another `name=`")
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
        if not begun:
            self._remove_empty()

    def _remove_empty(self) -> None:
        """Remove a folder that holds nothing of a run, and nothing else."""
        if not (self.path / JOURNAL).exists():
            with suppress(OSError):
                (self.path / ".gitignore").unlink(missing_ok=True)
                self.path.rmdir()

    def remove(self, journal: JournalWriter) -> None:
        """Remove a run that this process began and in which nothing was asked; its journal is closed.

        The journal is held until it is gone, so that no other process goes on with what is being removed.
        """
        with suppress(OSError, StorageError):
            (self.path / MANIFEST).unlink()
            (self.path / JOURNAL).unlink()
            journal.close()
            self._remove_empty()

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
        f"cannot make the run folder {str(path)!r}: {error.strerror}; name a writable one with `runs=`"
    )


class _SchemaOnly(Record, frozen=True):
    schema_version: int = 0


def _pretty(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
