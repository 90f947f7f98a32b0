"""Files of the Hugging Face hub: data sets to import and GGUF models to ask; the extra `hub`.

The library keeps what it fetched in its own cache (`$HF_HOME`), checks sizes, resumes, and reads the
user's token from `$HF_TOKEN`. `$HF_ENDPOINT` names another server that speaks the hub's API.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from alignmeter.errors import InputError, MissingExtraError, TargetUnavailableError
from alignmeter.extras import install

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "hf:"
Kind = Literal["model", "dataset"]

_SPEC = re.compile(
    r"hf:(?:(?P<kind>datasets|models)/)?(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?"
    r"(?::(?P<file>[^:]+)|/(?P<path>[^@:]+)(?:@(?P<later>[\w.-]+))?)?"
)
_EXPECTED = "expected hf:OWNER/NAME/FILE, with @REVISION behind it or without"
_DATA = ("*.csv", "*.tsv", "*.json", "*.jsonl", "*.parquet", "*.gz", "*.yaml", "*.yml", "*.txt")


class HubFile(NamedTuple):
    """What a spec names.

    Attributes:
        repository: `OWNER/NAME`.
        path: A file of it, None for all of its data files.
        revision: A branch, tag or commit; None for the newest.
    """

    kind: Kind
    repository: str
    path: str | None
    revision: str | None


def is_hub(spec: str) -> bool:
    """Whether a spec names something on the hub."""
    return spec.startswith(PREFIX)


def parse_hub(spec: str, default: Kind) -> HubFile:
    """Read `hf:[datasets/]OWNER/NAME[/FILE][@REVISION]`.

    Args:
        spec: What the user named.
        default: What it is where neither `datasets/` nor `models/` says so.

    Raises:
        InputError: It is none.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise InputError(f"{_EXPECTED}, got {spec!r}")
    kinds: dict[str | None, Kind] = {"datasets": "dataset", "models": "model", None: default}
    return HubFile(
        kinds[found["kind"]],
        f"{found['owner']}/{found['name']}",
        found["path"] or found["file"],
        found["revision"] or found["later"],
    )


def fetch(spec: str, default: Kind, *, suffixes: Sequence[str] = ()) -> Path:
    """Return the file, or the folder of data files, that a spec names; fetched unless it is in the cache.

    Args:
        spec: As for `parse_hub`.
        default: Likewise.
        suffixes: Endings of which the file must have one, for example `.gguf`; any where empty.

    Raises:
        MissingExtraError: The extra `hub` is not installed.
        InputError: No such repository, revision or file, or one that needs a token.
        TargetUnavailableError: The hub cannot be reached, and the file is not in the cache.
    """
    wanted = parse_hub(spec, default)
    if suffixes and not (wanted.path or "").endswith(tuple(suffixes)):
        raise InputError(f"{spec}: expected a file that ends in {' or '.join(suffixes)}, got {wanted.path!r}")
    hub, errors = _library()
    try:
        if wanted.path is None:
            found = hub.snapshot_download(
                wanted.repository,
                repo_type=wanted.kind,
                revision=wanted.revision,
                allow_patterns=list(_DATA),
            )
        else:
            found = hub.hf_hub_download(
                wanted.repository, wanted.path, repo_type=wanted.kind, revision=wanted.revision
            )
    except (errors.GatedRepoError, errors.RepositoryNotFoundError):
        raise InputError(
            f"{spec}: expected a public {wanted.kind}, or one that your token may read, got none; correct "
            "the name, or accept its terms on the hub and set HF_TOKEN"
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{spec}: expected a revision of {wanted.repository}, got {wanted.revision!r}"
        ) from None
    except errors.HFValidationError as error:
        raise InputError(f"{spec}: {_EXPECTED}, got: {_line(error)}") from None
    except errors.LocalEntryNotFoundError:
        raise _unreachable(spec) from None
    except errors.EntryNotFoundError:
        raise InputError(f"{spec}: expected a file of {wanted.repository}, got {wanted.path!r}") from None
    except (errors.HfHubHTTPError, OSError) as error:
        raise _unreachable(spec, _line(error)) from None
    return Path(str(found))


def _library() -> tuple[Any, Any]:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        raise MissingExtraError(
            f"a name that begins with {PREFIX} needs the package huggingface_hub, which is not installed: "
            f"run `{install('hub')}`"
        ) from None
    return huggingface_hub, errors


def _unreachable(spec: str, why: str = "no connection") -> TargetUnavailableError:
    return TargetUnavailableError(
        f"{spec}: the hub cannot be reached and the file is not in the cache ({why}); try again, or "
        "download it and name its path"
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
