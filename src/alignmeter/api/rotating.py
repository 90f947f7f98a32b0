"""Rotation for users: begin, look at, reveal, retire and verify cycles."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter.api.planning import read_threat_model
from alignmeter.api.reading import load_run
from alignmeter.engine import render
from alignmeter.errors import AlignmeterError, InputError
from alignmeter.files import check_writable
from alignmeter.records import Record
from alignmeter.rotation import (
    BegunCycle,
    Check,
    Commitment,
    NewCycle,
    Reveal,
    RotationStatus,
    begin_cycle,
    burnt_families,
    check_commitment,
    check_probes,
    check_run,
    cycles,
    find_cycle,
    pretty,
    read_json,
    retire_cycle,
    retire_families,
    reveal_cycle,
    rotation_folder,
    rotation_status,
    suite_probes,
    write_file,
)
from alignmeter.store import Answered, Asked, RunFolder
from alignmeter.suites import SuiteFile, parse_suite
from alignmeter.threat_model import threat_model_from_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignmeter.records import Probe, RunManifest, Trial
    from alignmeter.threat_model import ThreatModel

_HASH = re.compile(r"[0-9a-f]{64}")


class Verification(Record, frozen=True):
    """What a check of a cycle found.

    Attributes:
        checks: In the order of what rests on what; each with a sentence.
        ok: Whether all of them hold.
        published: Whether the commitment was compared with one that was given, not only with the copy in
            the reveal.
    """

    cycle: str
    commitment: str
    run: str | None
    checks: tuple[Check, ...]
    ok: bool
    published: bool


def rotate_new(
    wanted: NewCycle, *, threat_model: Path | str | ThreatModel | None = None, out: Path | str | None = None
) -> BegunCycle:
    """Begin a cycle in the rotation folder.

    Args:
        wanted: What it is to be.
        threat_model: What it is run under, a YAML file or a model; None for the preset `general-assistant`.
        out: Where the commitment is written as well, to be published.

    Raises:
        InputError: As `alignmeter.rotation.begin_cycle`; nothing is written.
        StorageError: A folder cannot be written.
    """
    out = None if out is None else Path(out)
    if out is not None:
        check_writable(out)
        if out.exists():
            raise InputError(
                f"expected `out=` to name a new file, got {str(out)!r}, which may hold an earlier "
                f"commitment; name another"
            )
    made = begin_cycle(rotation_folder(), wanted, read_threat_model(threat_model)[0])
    if out is not None:
        write_file(out, pretty(made.commitment))
    return made


def rotate_status() -> RotationStatus:
    """Look at the rotation folder, there or not."""
    return rotation_status(rotation_folder())


def rotate_reveal(name: str, *, out: Path | str | None = None) -> Reveal:
    """Open the commitment of a cycle.

    Args:
        name: The cycle.
        out: Where the reveal is written as well, to be published.

    Raises:
        InputError: There is no such cycle, or its key is lost.
        StorageError: A folder cannot be written.
    """
    out = None if out is None else Path(out)
    if out is not None:
        check_writable(out)
    made = reveal_cycle(rotation_folder(), name)
    if out is not None:
        write_file(out, pretty(made))
    return made


def rotate_retire(
    *, cycle: str | None = None, families: Sequence[str] = (), burnt: bool = False, reason: str = ""
) -> int:
    """Retire a cycle, single families, or all families above the limit; returns how many are newly retired.

    Raises:
        InputError: None of the three is given or several are, or something named does not exist.
        StorageError: A folder cannot be written.
    """
    if (cycle is not None) + bool(families) + burnt != 1:
        raise InputError(
            "expected one of a cycle, `families=` and `burnt=True`, got none or several; give one"
        )
    folder = rotation_folder()
    if cycle is not None:
        return retire_cycle(folder, cycle, reason or f"cycle {cycle} was retired")
    if burnt:
        rotation_status(folder)  # brings the ledger up to date
        above = list(burnt_families(folder))
        return retire_families(folder, above, reason or "likely known outside") if above else 0
    return retire_families(folder, families, reason or "retired by name")


def rotate_verify(
    run: Path | str | None = None,
    *,
    cycle: str | None = None,
    reveal: Path | str | None = None,
    commitment: str | None = None,
    suite: Sequence[Path | str] = (),
) -> Verification:
    """Check a cycle whose key is out, and a run that was made in it.

    Args:
        run: Run folder; None checks the cycle alone.
        cycle: Cycle of one's own rotation folder; None takes the one whose suite the run has asked.
        reveal: The operator's `reveal.json`, in place of one's own folder.
        commitment: What was published before the cycle: a file, or 64 hex digits.
        suite: Files `SUITE.LANGUAGE.jsonl` of the cycle's probes, or folders that hold them; empty looks in
            one's own suites.

    Raises:
        InputError: Something given is not usable, the key is not out, or the probes are not at hand.
        RunFolderError: There is no such run.
    """
    loaded = None if run is None else load_run(run)
    trials = None if loaded is None else loaded.data.trials
    opened = read_json(Path(reveal), Reveal) if reveal is not None else _own_reveal(cycle, trials)
    published = None if commitment is None else _published(commitment)
    stated = published if isinstance(published, Commitment) else opened.commitment
    if stated.name != opened.commitment.name:
        raise InputError(
            f"expected the commitment of the cycle {opened.commitment.name!r}, which the reveal is of, got "
            f"that of {stated.name!r} with `commitment=`; give both of one cycle"
        )
    rows = _rows(stated.name, [Path(file) for file in suite])
    checks = [*check_commitment(opened, published), *check_probes(opened, rows, published)]
    if loaded is not None:
        checks += check_run(
            stated,
            rows,
            loaded.data.trials,
            created_at=loaded.manifest.created_at,
            asked_at=_asked_at(loaded.path),
            revealed_at=opened.revealed_at,
            rendered=_renderer(loaded.manifest),
            dated=stated.version > 1 or not isinstance(published, str),
        )
    return Verification(
        cycle=stated.name,
        commitment=published if isinstance(published, str) else stated.commitment,
        run=None if run is None else str(run),
        checks=tuple(checks),
        ok=all(check.ok for check in checks),
        published=published is not None,
    )


def _own_reveal(cycle: str | None, trials: Sequence[Trial] | None) -> Reveal:
    folder = rotation_folder()
    if cycle is None:
        asked = {trial.suite for trial in trials or ()}
        mine = [known.name for known in cycles(folder) if known.name in asked]
        if len(mine) != 1:
            raise InputError(
                f"expected a run that asked one cycle of {str(folder)!r}, got {len(mine)}; name the cycle "
                f"with `cycle=`, or the operator's file with `reveal=`"
            )
        cycle = mine[0]
    opened = find_cycle(folder, cycle).reveal()
    if opened is None:
        raise InputError(
            f"expected a cycle whose key is out, got {cycle!r}; `alignmeter rotate reveal {cycle}` gives it "
            f"out, when the cycle is over"
        )
    return opened


def _published(text: str) -> Commitment | str:
    if _HASH.fullmatch(text.strip().lower()):
        return text.strip().lower()
    path = Path(text)
    if not path.is_file():
        raise InputError(
            f"expected `commitment=` to name a file or to be 64 hex digits, got {text!r}, which is neither"
        )
    return read_json(path, Commitment)


def _rows(name: str, files: Sequence[Path]) -> tuple[Probe, ...]:
    if not files:
        rows = suite_probes(name)
        if not rows:
            raise InputError(
                f"expected the probes of cycle {name!r}, got no suite of that name; name the folder of its "
                f"files with `suite=FOLDER`"
            )
        return rows
    found: list[Probe] = []
    for path in [file for given in files for file in _files_in(given, name)]:
        suite, _, language = path.name.removesuffix(".jsonl").partition(".")
        if suite != name or not language or path.suffix != ".jsonl":
            raise InputError(
                f"expected `suite={name}.LANGUAGE.jsonl`, got {str(path)!r}; do not rename the file"
            )
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        # Whoever wrote the rows: whether they are those that were committed to is checked next.
        found += parse_suite(data, SuiteFile(path.name, suite, language), rules="imported")
    return tuple(found)


def _files_in(path: Path, name: str) -> list[Path]:
    """The files of a suite in a folder; what is no folder stands for itself."""
    if not path.is_dir():
        return [path]
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    found = [one for one in entries if one.name.startswith(f"{name}.") and one.suffix == ".jsonl"]
    if not found:
        raise InputError(
            f"expected files {name}.LANGUAGE.jsonl in the folder {str(path)!r}, got none; name the folder "
            f"that holds them with `suite=FOLDER`"
        )
    return found


def _asked_at(path: Path) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for event in RunFolder(path).events():
        if isinstance(event, Answered):
            found[event.transcript.trial].append(event.transcript.started_at)
        elif isinstance(event, Asked) and event.role == "target":
            found[event.trial].append(event.at)
    return found


def _renderer(manifest: RunManifest) -> Callable[[Probe, Trial], str | None]:
    model = threat_model_from_dict(manifest.threat_model)

    def rendered(probe: Probe, trial: Trial) -> str | None:
        try:
            return render(probe, trial.attack, model, draw=trial.epoch).id
        except AlignmeterError:
            return None

    return rendered
