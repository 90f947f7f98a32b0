"""Whether an unfinished run may be gone on with: the same target, design and judges at the same address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.errors import DesignChangedError, ThreatModelError
from alignmeter.records import Sampling
from alignmeter.threat_model import threat_model_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from alignmeter.records import RunManifest
    from alignmeter.store import RunData, RunFolder

_FRESH = 24 * 3600.0
"""Seconds for which a name at an address counts as one checkpoint, where neither weights nor revision do."""
_WORDS_ONLY = frozenset({"name", "description"})
"""Keys of a threat model from which nothing of a run follows."""
_REPLAY = "replay:"


def differences(manifest: RunManifest, wanted: RunManifest) -> list[str]:
    """What keeps a run from being resumed wherever its target is, in words; empty where nothing does."""
    found: list[str] = []
    old, new = manifest.target.fingerprint, wanted.target.fingerprint
    for field in old.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if isinstance(before, Sampling):
            found.extend(_changed(before, after))
        elif before != after:
            found.append(f"target {field} was {_short(before)}, is {_short(after)}")
    specs = manifest.target.spec, wanted.target.spec
    if specs[0] != specs[1] and any(spec.startswith(_REPLAY) for spec in specs):
        # A recording has the fingerprint of its original, whose run it is not.
        found.append(f"the target was {specs[0]!r}, is {specs[1]!r}")
    if manifest.design_hash != wanted.design_hash:
        before, after = manifest.design, wanted.design
        changed = [name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)]
        found.append(f"the design changed in {', '.join(changed)}")
    found.extend(_limits_changed(manifest, wanted))
    found.extend(
        f"judge {name} changed" for name, value in wanted.judges.items() if manifest.judges.get(name) != value
    )
    found.extend(f"judge {name} is left out" for name in manifest.judges if name not in wanted.judges)
    return found


def _changed(old: Sampling, new: Sampling) -> list[str]:
    return [
        f"{field} was {getattr(old, field)!r}, is {getattr(new, field)!r}"
        for field in old.__struct_fields__
        if getattr(old, field) != getattr(new, field)
    ]


def _short(value: object) -> str:
    text = str(value)
    return repr(text[:12] if len(text) == 64 else text)  # noqa: PLR2004 - a SHA-256 in hex


def _limits_changed(manifest: RunManifest, wanted: RunManifest) -> list[str]:
    """What changed in the threat model and the limits of custom domains: not all of it is in the design."""
    if manifest.threat_model_hash == wanted.threat_model_hash:
        found: list[str] = []
    else:
        try:
            # Keys that the version which began the run did not know have their defaults.
            before = threat_model_from_dict(manifest.threat_model).as_dict()
        except ThreatModelError as error:
            return [f"its threat model cannot be read any more ({error})"]
        found = _settings_changed("threat model", before, wanted.threat_model)
    return found + _settings_changed("limit on the tax of", manifest.tax_limits, wanted.tax_limits)


def _settings_changed(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for key in sorted((old.keys() | new.keys()) - _WORDS_ONLY):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            found.extend(_settings_changed(f"{where} {key}", before, after))  # pyright: ignore[reportUnknownArgumentType]
        else:
            found.append(f"{where} {key} was {before!r}, is {after!r}")
    return found


def moved(manifest: RunManifest, data: RunData, wanted: RunManifest) -> list[str]:
    """Who would be asked at an address where the run has not asked before, in words; empty where nobody."""
    known = data.asked_at(manifest)
    return [
        f"{'replies' if who == 'target' else f'judgements of {who}'} came from {' and '.join(known[who])}, "
        f"this command asks {url}"
        for who, url in wanted.urls.items()
        if who in known and url not in known[who]
    ]


def check_resumable(folder: RunFolder, wanted: RunManifest, *, same_system: bool = False) -> None:
    """Refuse to go on with a run under another design, target or judge, or at another address.

    Args:
        folder: The run.
        wanted: What this process would do.
        same_system: The user says that what answers at another address is the same system.

    Raises:
        DesignChangedError: Names what differs.
    """
    manifest = folder.manifest
    found = differences(manifest, wanted)
    if found:
        raise DesignChangedError(
            f"{folder.path} cannot be resumed: {'; '.join(found)}; start a new run, or give the options "
            f"that it began with"
        )
    elsewhere = [] if same_system else moved(manifest, folder.read(), wanted)
    if elsewhere:
        raise DesignChangedError(
            f"{folder.path} cannot be resumed at another address: its {'; its '.join(elsewhere)}; start a "
            f"new run, or say with `same_system=True` that the same system has moved there"
        )


class Twin(NamedTuple):
    """A run of the same target, design and judges.

    Attributes:
        finished: Whether it came to its end and has its results.
        doubt: Why a process must not go on with it unless it is told to, in words; empty where it may.
        moved: Whether the doubt is about an address.
    """

    finished: bool
    doubt: str = ""
    moved: bool = False


def twin(folder: RunFolder, wanted: RunManifest) -> Twin | None:
    """Compare a run that is there with one that is to begin; None where it is another.

    Raises:
        RunFolderError: It cannot be read.
    """
    manifest = folder.manifest
    if differences(manifest, wanted):
        return None
    data = folder.read()
    # A disk that filled up, or a kill, at the very end leaves a whole journal without its results.
    if data.complete and folder.read_results(data) is not None:
        return Twin(finished=True)
    if elsewhere := moved(manifest, data, wanted):
        return Twin(finished=False, doubt=f"its {'; its '.join(elsewhere)}", moved=True)
    age = time.time() - data.worked_at
    target, fingerprint = manifest.target, manifest.target.fingerprint
    local = target.url is None or target.spec.startswith(_REPLAY)
    if local or fingerprint.weights or fingerprint.revision or age <= _FRESH:
        return Twin(finished=False)
    return Twin(
        finished=False,
        doubt=f"it was last worked on {age / 3600:.0f} hours ago, and without --revision nothing tells "
        f"whether {fingerprint.model!r} is the same checkpoint still",
    )
