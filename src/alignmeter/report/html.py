"""Pages: HTML files that load nothing and obey nothing that is in them.

A strict content security policy, by hash, is the second wall behind escaping: were a text of strangers
ever to get out of its element, the browser still would not run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from alignmeter.report.text import count, spaced, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment


def render_page(
    template: str, *, styles: Sequence[str] = ("report.css",), script: str | None = None, **shown: object
) -> str:
    """Render a template with its policy, style and script.

    Args:
        template: Its name; it puts `policy`, `style` and, where there is one, `script` into its head.
        styles: Style sheets, in order.
        script: The one script that may run; none where None.
        shown: What the template shows.
    """
    style = "".join(map(_asset, styles))
    code = None if script is None else _asset(script)
    return (
        _environment()
        .get_template(template)
        .render(policy=_policy(style, code), style=style, script=code, **shown)
    )


def _policy(style: str, script: str | None) -> str:
    """The content security policy that lets these very texts act, and nothing else."""
    runs = "" if script is None else f"script-src '{_hash(script)}'; "
    return (
        f"default-src 'none'; {runs}style-src '{_hash(style)}'; img-src data:; base-uri 'none'; "
        f"form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return files("alignmeter.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("alignmeter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["count"] = count
    environment.filters["spaced"] = spaced
    environment.filters["visible"] = visible
    return environment
