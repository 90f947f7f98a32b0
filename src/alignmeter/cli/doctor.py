"""`alignmeter doctor`: is everything here that a run needs?"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import typer

from alignmeter.cli.given import in_options
from alignmeter.cli.output import (
    JsonOption,
    ModelOption,
    RunsOption,
    UrlOption,
    console,
    examples,
    print_json,
)
from alignmeter.cli.target_options import ExtraBodyOption, KeyEnvOption, TargetChoice
from alignmeter.errors import BAD_INPUT, RUNTIME_FAILURE, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = examples("alignmeter doctor", "alignmeter doctor --url http://localhost:8000/v1 --model my-model")


class Check(NamedTuple):
    """One line of the examination; only `bad` ones fail it, with the exit code that a run would have."""

    name: str
    state: Literal["ok", "missing", "bad"]
    detail: str
    code: int = RUNTIME_FAILURE


def doctor(
    *,
    url: UrlOption = None,
    model: ModelOption = None,
    api_key_env: KeyEnvOption = None,
    extra_body: ExtraBodyOption = None,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Check Python, packages, the embedded model, keys, the run folder and an endpoint.

    Exits 0 when a run can start, else with the code that the run would end with: 2 where what was given is
    not usable, 5 where the endpoint or the disk is not.
    """
    choice = TargetChoice(target=None, url=url, model=model, api_key_env=api_key_env, extra_body=extra_body)
    asked = choice.spec if url is not None or model is not None else None
    if asked is None and extra_body is not None:
        raise InputError("--extra-body goes with --url and --model, whose endpoint is tried with it")
    checks = [_python(), _guard("embedded model", _embedded), _languages()]
    checks += [_keys(api_key_env), _folder(runs)]
    if asked is not None:
        checks.append(_guard("endpoint", lambda: _endpoint(asked, choice)))
    code = min((check.code for check in checks if check.state == "bad"), default=0)
    if as_json:
        print_json({"checks": [_shown(check) for check in checks], "exit_code": code})
    else:
        _print(checks)
    raise typer.Exit(code)


def _shown(check: Check) -> dict[str, str]:
    return {"name": check.name, "state": check.state, "detail": check.detail}


def _print(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "missing": "yellow", "bad": "red"}
    table = Table.grid(padding=(0, 2))
    for check in checks:
        table.add_row(Text(check.state, styles[check.state]), check.name, Text(check.detail))
    out = console()
    out.print(table)
    out.print(f"\n{_closing(checks)}")


def _closing(checks: list[Check]) -> str:
    """Say what to do now: what is bad first, since what is missing may be the reason for it."""
    bad = [check.name for check in checks if check.state == "bad"]
    if bad:
        return f"Not ready: put right what is bad ({', '.join(bad)}) before you start a run."
    if any(check.state == "missing" for check in checks):
        return "Ready. What is missing is optional: it matters only where a run needs it."
    return "Ready. Nothing is missing."


def _guard(name: str, look: Callable[[], Check]) -> Check:
    from alignmeter.errors import AlignmeterError

    try:
        return look()
    except AlignmeterError as error:
        optional = name == "embedded model" and isinstance(error, InputError)
        return Check(name, "missing" if optional else "bad", in_options(str(error)), error.exit_code)


def _python() -> Check:
    from alignmeter._version import __version__

    version = ".".join(map(str, sys.version_info[:3]))
    return Check("alignmeter", "ok", f"{__version__} on Python {version}")


def _embedded() -> Check:
    from alignmeter.targets.embedded import find_model, runtime_version

    path = find_model()
    return Check("embedded model", "ok", f"{path.name}, {runtime_version()}")


def _languages() -> Check:
    from alignmeter.judges import RefusalEmbedded

    name = "languages"
    wanted = RefusalEmbedded().unread("fr")
    if wanted is None:
        return Check(name, "ok", "refusals in English and thirteen more languages are read")
    detail = f"refusals are read in English only; for a threat model with other languages {wanted}"
    return Check(name, "missing", detail)


def _keys(wanted: str | None) -> Check:
    if wanted is not None and not os.environ.get(wanted):
        # Not quoted: it may be a key given in place of its variable's name.
        return Check("API key", "bad", "the variable named by --api-key-env is not set; export it", BAD_INPUT)
    known = (wanted,) if wanted is not None else ("ALIGNMETER_API_KEY", "OPENAI_API_KEY")
    names = [name for name in known if os.environ.get(name)]
    detail = f"{', '.join(names)} set" if names else "none set; local servers need none"
    return Check("API key", "ok" if names else "missing", detail)


def _folder(runs: str) -> Check:
    folder = Path(runs)
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check(
            "run folder", "bad", f"{runs!r} cannot be written: {error.strerror}; name another with --runs"
        )
    return Check("run folder", "ok", f"{runs!r} can be written")


def _endpoint(spec: str, choice: TargetChoice) -> Check:
    from alignmeter.api import check_endpoint
    from alignmeter.targets.extra_body import shown_extra

    options = choice.options()
    error = check_endpoint(spec, options)
    if error is not None:
        return Check("endpoint", "bad", error.message)
    extra = f", asked with {shown_extra(options.extra_body)}" if options.extra_body else ""
    return Check("endpoint", "ok", f"{choice.url or 'the endpoint'} answers for {choice.model}{extra}")
