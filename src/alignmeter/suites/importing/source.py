"""Where public files come from: a path on this machine, or an address.

`hf:` names a data set of the Hugging Face hub; it needs the extra `hub`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from alignmeter.errors import InputError
from alignmeter.hub import fetch, is_hub

MAX_BYTES = 2 * 1024**3
"""Largest file that is fetched."""
TIMEOUT = 30.0
"""Seconds to wait for a server's next bytes."""
MAX_SECONDS = 900.0
"""Seconds that one file may take."""

_CHUNK = 1 << 20
_SCHEMES = ("http", "https")
_WEB = ("http://", "https://")


class FetchLimits(NamedTuple):
    """How long and how much may be fetched."""

    max_bytes: int = MAX_BYTES
    timeout: float = TIMEOUT
    max_seconds: float = MAX_SECONDS


def open_source(spec: str, limits: FetchLimits | None = None) -> Path:
    """Return a path on this machine for what a user names.

    Args:
        spec: A file or folder; an http or https address, which is fetched into a temporary folder that
            goes away with the process; or `hf:OWNER/NAME`, with `/FILE` or without.
        limits: How long and how much may be fetched.

    Raises:
        InputError: There is nothing, or the address cannot be fetched.
        MissingExtraError: The source needs the extra `hub`.
        TargetUnavailableError: The hub cannot be reached.
    """
    if is_hub(spec):
        return fetch(spec, "dataset")
    scheme, colon, _ = spec.partition("://")
    if not colon:
        path = Path(spec).expanduser()
        if not path.exists():
            raise InputError(f"{spec}: expected a file or a folder, got nothing there; correct the path")
        return path
    if scheme.lower() not in _SCHEMES:
        raise InputError(f"{spec}: expected a path or an address with http or https, got {scheme!r}")
    return _fetch(spec, limits or FetchLimits())


def _fetch(address: str, limits: FetchLimits) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alignmeter-"))
    name = unquote(urlsplit(address).path).rpartition("/")[2] or "download"
    path = folder / name
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with _response(address, limits) as response, path.open("wb") as out:
            _copy(address, response, out, limits)
    except HTTPError as error:
        raise InputError(f"{address}: expected a file, got HTTP status {error.code}; correct it") from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{address}: expected a server that answers within {limits.timeout:g} s, got {str(reason)!r}; "
            "download the file and name its path"
        ) from None
    return path


def _response(address: str, limits: FetchLimits) -> IO[bytes]:
    # The schemes were checked; a redirect can only lead to http, https or ftp.
    request = Request(address, headers={"User-Agent": "alignmeter"})  # noqa: S310
    response = urlopen(request, timeout=limits.timeout)  # noqa: S310
    came_from = str(response.url)
    if not came_from.startswith(_WEB):
        response.close()
        raise ValueError(f"a redirect to {came_from}")
    return response


def _copy(address: str, response: IO[bytes], out: IO[bytes], limits: FetchLimits) -> None:
    size, ends = 0, time.monotonic() + limits.max_seconds
    while chunk := response.read(_CHUNK):
        size += len(chunk)
        if size > limits.max_bytes:
            raise InputError(f"{address}: expected at most {limits.max_bytes:,} bytes, got more; download it")
        if time.monotonic() > ends:
            raise InputError(
                f"{address}: expected the file within {limits.max_seconds:g} s, got a part of it; download it"
            )
        out.write(chunk)
