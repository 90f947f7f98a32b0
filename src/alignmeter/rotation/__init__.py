"""Rotation: pools that are held out, cycles that are committed to, and the ledger of what was shown."""

from __future__ import annotations

from alignmeter.rotation.commitments import (
    Commitment,
    Reveal,
    Stratum,
    key_digest,
    merkle_root,
    seal,
    select,
    stratum_sizes,
)
from alignmeter.rotation.cycles import (
    BegunCycle,
    NewCycle,
    begin_cycle,
    retire_cycle,
    retire_families,
    reveal_cycle,
)
from alignmeter.rotation.exposures import (
    host_of,
    planned_pools,
    run_key,
    shown_to,
)
from alignmeter.rotation.folder import (
    FOLDER_VARIABLE,
    cycles,
    find_cycle,
    pretty,
    read_json,
    rotation_folder,
    write_file,
)
from alignmeter.rotation.leakage import (
    LEAK_LIMIT,
    PROVIDERS_FILE,
    PYTHON,
    USE_LIMIT,
    Rates,
    leak_probability,
    read_rates,
)
from alignmeter.rotation.ledger import Exposure, Ledger, LedgerRun, PlannedPool, ShownTo
from alignmeter.rotation.pools import (
    PoolFamily,
    PoolKind,
    by_family,
    original_family,
    stratum_of,
)
from alignmeter.rotation.run_verification import check_run
from alignmeter.rotation.status import CycleStatus, RotationStatus, burnt_families, rotation_status
from alignmeter.rotation.suite_files import not_held_out, suite_probes
from alignmeter.rotation.verification import Check, check_commitment, check_probes

__all__ = [
    "FOLDER_VARIABLE",
    "LEAK_LIMIT",
    "PROVIDERS_FILE",
    "PYTHON",
    "USE_LIMIT",
    "BegunCycle",
    "Check",
    "Commitment",
    "CycleStatus",
    "Exposure",
    "Ledger",
    "LedgerRun",
    "NewCycle",
    "PlannedPool",
    "PoolFamily",
    "PoolKind",
    "Rates",
    "Reveal",
    "RotationStatus",
    "ShownTo",
    "Stratum",
    "begin_cycle",
    "burnt_families",
    "by_family",
    "check_commitment",
    "check_probes",
    "check_run",
    "cycles",
    "find_cycle",
    "host_of",
    "key_digest",
    "leak_probability",
    "merkle_root",
    "not_held_out",
    "original_family",
    "planned_pools",
    "pretty",
    "read_json",
    "read_rates",
    "retire_cycle",
    "retire_families",
    "reveal_cycle",
    "rotation_folder",
    "rotation_status",
    "run_key",
    "seal",
    "select",
    "shown_to",
    "stratum_of",
    "stratum_sizes",
    "suite_probes",
    "write_file",
]
