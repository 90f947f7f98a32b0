"""Where an OpenAI-compatible server is and with which key it is asked: checked before the first call."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_URL = "https://api.openai.com/v1"
"""Where calls go unless the user names a server."""

OWN_KEY, OPENAI_KEY = "ALIGNMETER_API_KEY", "OPENAI_API_KEY"
DEFAULT_KEY_VARIABLES = (OWN_KEY, OPENAI_KEY)
"""Environment variables that may hold the key, the first one that is set counts."""

_EXAMPLE = "expected a URL such as http://localhost:8000/v1"
_CHAT_PATH = "/chat/completions"
_VERSION_SEGMENT = re.compile(r"/v\d+[a-z0-9]*(/|$)")
_SHORTEST_SECRET = 8
"""Characters from which on a key is a secret wherever it stands; a shorter one may be a word, as `local`."""
_ESCAPED = '/"\\'
"""Characters that JSON writes behind a backslash."""
_AZURE_VERSION = re.compile(r"api-version=([A-Za-z0-9.-]{1,40})")


class Endpoint(NamedTuple):
    """Where calls go.

    Attributes:
        base: Base URL, to which a path is added.
        query: What stands behind every path: empty, or `?api-version=...` in Azure's style, where the
            key goes into a header of its own.
    """

    base: str
    query: str = ""

    @property
    def url(self) -> str:
        """Both as one, which gives the same endpoint when it is read again."""
        return f"{self.base}{self.query}"

    def at(self, path: str) -> str:
        """Address of one call, for example of `/chat/completions`."""
        return f"{self.base}{path}{self.query}"

    def header(self, key: ApiKey) -> dict[str, str]:
        """The header that carries the key."""
        return key.azure_header() if self.query else key.header()


def read_endpoint(url: str) -> Endpoint:
    """Read the address of an API, with `?api-version=` behind it where it is Azure's.

    Args:
        url: As for `normalise_url`, or `https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT`
            (with or without `/chat/completions`) followed by `?api-version=VERSION`.

    Raises:
        InputError: As `normalise_url`.
    """
    address, _, query = url.strip().partition("?")
    found = _AZURE_VERSION.fullmatch(query)
    if found is None:
        return Endpoint(normalise_url(url))
    whole = address.rstrip("/")
    # The path of a deployment is the whole path, whatever the version segment of others looks like.
    whole = whole if whole.endswith(_CHAT_PATH) else f"{whole}{_CHAT_PATH}"
    return Endpoint(normalise_url(whole), f"?api-version={found[1]}")


def normalise_url(url: str) -> str:
    """Return the base URL of the API, to which `/chat/completions` is added.

    A path without a version segment gets `/v1`, unless the whole path up to `/chat/completions`
    was given: that says where the API is.

    Args:
        url: With or without `/v1`, `/chat/completions` and a trailing slash.

    Raises:
        InputError: No http(s) URL with a host, or it holds a key, a query or a fragment.
    """
    url = url.strip()
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise InputError(f"{_EXAMPLE}, got white space or control characters in {url!r}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"{_EXAMPLE}, got one that does not parse: {error}") from None
    if "@" in parts.netloc:
        # The URL is not quoted here: it holds a secret.
        raise InputError(f"{_EXAMPLE}, got one with user name or password; give the key by {_variables()}")
    if parts.scheme not in {"http", "https"}:
        raise InputError(f"{_EXAMPLE}, got {_short(url)!r}, which does not start with http:// or https://")
    if not host:
        raise InputError(f"{_EXAMPLE}, got {_short(url)!r}, which names no host")
    if parts.query or parts.fragment:
        raise InputError(
            f"{_EXAMPLE}, got one with '?' or '#'; leave them out and give a key by {_variables()}"
        )
    if not _can_be_looked_up(host):
        raise InputError(f"{_EXAMPLE}, got {_short(url)!r}, whose host cannot be a name")
    path = parts.path.rstrip("/")
    whole = path.endswith(_CHAT_PATH)
    path = path.removesuffix(_CHAT_PATH).rstrip("/")
    if not whole and not _VERSION_SEGMENT.search(path):
        path += "/v1"
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{path}"


def _can_be_looked_up(host: str) -> bool:
    """Whether a host is an address, or a name whose labels have 1 to 63 characters."""
    try:
        return ":" in host or bool(host.encode("idna"))
    except UnicodeError:
        return False


def _short(url: str) -> str:
    """Cut a URL that is none before any query, which could hold a secret."""
    return url.partition("?")[0][:80]


def _variables() -> str:
    return " or ".join(f"${name}" for name in DEFAULT_KEY_VARIABLES)


class ApiKey:
    """A key that never shows: not in repr, not in a traceback's locals, not in a text that it redacts.

    Attributes:
        variable: Name of the environment variable that it came from, None for a server of this process.
    """

    __slots__ = ("_spelled", "_value", "variable")

    def __init__(self, variable: str | None, value: str) -> None:
        self.variable = variable
        self._value = value
        spelled = "".join(map(_spellings, value))
        self._spelled = spelled if len(value) >= _SHORTEST_SECRET else _as_a_word(spelled)

    def __repr__(self) -> str:
        return "ApiKey()" if self.variable is None else f"ApiKey(${self.variable})"

    def header(self) -> dict[str, str]:
        """Return the Authorization header."""
        return {"Authorization": f"Bearer {self._value}"}

    def azure_header(self) -> dict[str, str]:
        """Return the header of Azure's API, which takes a bearer token for something else."""
        return {"api-key": self._value}

    def redact(self, text: str) -> str:
        """Return `text` with the key replaced by `[key]`, however JSON spells it.

        A key of under 8 characters is replaced where it stands as a word, so that `local` leaves
        `localhost` and the host `printer.local` as they are.
        """
        return re.sub(self._spelled, "[key]", text)

    def redact_body(self, raw: bytes) -> bytes:
        """Redact a reply's bytes, so that no transcript holds the key.

        Placeholders such as `EMPTY` or `ollama` (under 8 characters) are words, not secrets: a
        reply that says them stays as it is.
        """
        if len(self._value) < _SHORTEST_SECRET:
            return raw
        return re.sub(self._spelled.encode(), b"[key]", raw)


def _spellings(character: str) -> str:
    """Pattern of one character of printable ASCII as it may stand in JSON, or in JSON within JSON."""
    behind = r"\\*" if character in _ESCAPED else ""
    return rf"(?:{behind}{re.escape(character)}|\\+u(?i:{ord(character):04x}))"


def _as_a_word(spelled: str) -> str:
    """Pattern of a key that is no part of a longer word, of a host's name, nor a host itself.

    An escape that JSON writes with a letter, as that of a new line, is the end of a word too.
    """
    return rf"(?a:(?:(?<!\w)|(?<=\\[bfnrt]))(?<!\w[.-])(?<!//){spelled}(?!\w|[.-]\w|:\d))"


def read_key(variable: str | None = None, *, environment: Mapping[str, str] = os.environ) -> ApiKey | None:
    """Return the key of the environment, None where there is none (fine for local servers).

    Args:
        variable: The variable that must hold it; by default the first set of
            `DEFAULT_KEY_VARIABLES`, if any.
        environment: Where to look.

    Raises:
        InputError: The named variable is not set, or a value cannot be sent in a header.
    """
    if variable is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        # Not quoted: a key given in place of its variable's name would be printed.
        raise InputError("expected the name of an environment variable that holds the key, got no such name")
    for name in (variable,) if variable else DEFAULT_KEY_VARIABLES:
        value = environment.get(name, "").strip()
        if not value:
            continue
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise InputError(
                f"expected an API key of printable ASCII in ${name}, got other characters; set it again"
            )
        return ApiKey(name, value)
    if variable:
        raise InputError(
            f"expected an API key in ${variable}, which is not set; run: export {variable}=YOUR-KEY"
        )
    return None


def openai_key_variable(*, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the variable whose key goes to OpenAI where no server is named, None where there is no key.

    Raises:
        InputError: Only the key of a server of one's own is set: its URL was forgotten, or it is OpenAI's key
            and has to be called so (docs/decisions/0081).
    """
    if environment.get(OPENAI_KEY, "").strip():
        return OPENAI_KEY
    if environment.get(OWN_KEY, "").strip():
        raise InputError(
            f"no URL is given, so that the key in ${OWN_KEY} would go to {urlsplit(OPENAI_URL).hostname}; "
            f"give the URL of your server, or put a key of OpenAI's into ${OPENAI_KEY}"
        )
    return None


class Proxy(NamedTuple):
    """A proxy from the environment.

    Attributes:
        url: Without user name and password.
        variable: Environment variable that names it.
        authorization: Value of the Proxy-Authorization header, None where it needs none.
    """

    url: str
    variable: str
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"


def environment_proxy(url: str) -> Proxy | None:
    """Return the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name for `url`.

    Read once and not per call as by aiohttp's `trust_env`, which also takes credentials from
    ~/.netrc. Loopback is never sent to a proxy, which could not reach this machine's server.

    Raises:
        InputError: Names the variable whose value is no proxy for HTTP.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    if kind is None or is_loopback(host) or proxy_bypass(host):
        return None
    proxy, name = proxies[kind], f"{kind}_proxy"
    variable = name if os.environ.get(name) else name.upper()
    pieces = _proxy_pieces(proxy if "://" in proxy else f"http://{proxy}")
    if pieces is None:
        # The value is not quoted: it may hold a password.
        raise InputError(
            f"expected a proxy such as http://proxy.example:3128 in ${variable}, got none that HTTP can go "
            "through; set it again, or set NO_PROXY"
        )
    authorization = None
    if pieces.username is not None:
        credentials = f"{unquote(pieces.username)}:{unquote(pieces.password or '')}"
        authorization = f"Basic {b64encode(credentials.encode()).decode()}"
    return Proxy(f"{pieces.scheme}://{pieces.netloc.rpartition('@')[2]}", variable, authorization)


def _proxy_pieces(proxy: str) -> SplitResult | None:
    """The parts of a proxy's URL, None where it is none of HTTP."""
    try:
        pieces = urlsplit(proxy)
        usable = pieces.scheme in {"http", "https"} and pieces.hostname and pieces.port != 0
    except ValueError:
        return None
    return pieces if usable and _can_be_looked_up(pieces.hostname or "") else None


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
