"""The one hierarchy of errors that a user may meet, each with the exit code it leads to.

A message says what was expected, what came and what to do next, on one line. Faults of a target
during a run are not exceptions but data: see `alignmeter.records.CallError`.
"""

from __future__ import annotations

BAD_INPUT = 2
RUNTIME_FAILURE = 5
INTERRUPTED = 130
"""Exit codes of what came to no verdict; those of verdicts are in `alignmeter.verdicts.gate`."""


class AlignmeterError(Exception):
    """Base of every error that the command line prints as one line.

    Attributes:
        exit_code: What the process exits with when this error ends it.
    """

    exit_code: int = RUNTIME_FAILURE


class InputError(AlignmeterError):
    """Something the user gave is not usable: a file, an option, a name. Exit code 2."""

    exit_code = BAD_INPUT


class ThreatModelError(InputError):
    """A threat model that does not validate; names file, line, key and the nearest valid key."""


class DesignChangedError(InputError):
    """A resume was asked for with a design or target that is not the one of the run folder."""


class RunFolderError(InputError):
    """A run folder that cannot be read: missing, of another schema, or corrupt at a named line."""


class SchemaVersionError(RunFolderError):
    """A run folder that another version of the schema wrote; whole, and not readable here."""


class LeftOutWarning(UserWarning):
    """A file that nobody asked for is not usable and was left out; the command line prints it as one line."""


class MissingExtraError(InputError):
    """An optional library is not installed; names the extra and the command that installs it."""


class StorageError(AlignmeterError):
    """Writing to disk failed (full, read-only, gone). What was journalled before is kept."""


class DivergedError(AlignmeterError):
    """A training came to a loss or a gradient that is no finite number; it writes no adapter."""


class TargetUnavailableError(AlignmeterError):
    """No call can succeed: the server is unreachable, the key is refused, the model is unknown."""


class WorkInterruptedError(AlignmeterError):
    """The user stopped work that is kept; names how much is done and how to go on. Exit code 130."""

    exit_code = INTERRUPTED


class BudgetSpentError(AlignmeterError):
    """A call is needed that the budget has no room for; what was finished is kept, and the work can go on."""
