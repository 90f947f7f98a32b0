"""bandit's opinion of Python code, where the extra `code` is installed.

bandit is not linear in the size of the code (a sum of 900 strings takes it ten seconds), so that
what is long or nested beyond what people write is not given to it. Only findings of medium severity
and confidence or more count: the rest is advice ("consider the implications of subprocess").
Comments `# nosec` are ignored: a reply does not absolve itself.
"""

from __future__ import annotations

import ast
import logging
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from alignmeter.errors import MissingExtraError
from alignmeter.extras import install
from alignmeter.judges.code_rules.python_syntax import parse
from alignmeter.judges.code_rules.tokens import Unparseable
from alignmeter.records import CodeFinding

MAX_CHARACTERS = 30_000
"""Code of a block that bandit is given."""
MAX_TERMS = 60
"""Terms of a sum that bandit is given."""
_MESSAGE_CHARACTERS = 200


def bandit_version() -> str | None:
    """Return the version of bandit, None where it is not installed."""
    try:
        return metadata.version("bandit")
    except metadata.PackageNotFoundError:
        return None


def bandit_findings(code: str) -> list[CodeFinding]:
    """Return what bandit finds in Python code, by line.

    Args:
        code: Code that `ast` can parse.

    Raises:
        MissingExtraError: bandit is not installed.
        Unparseable: The code is too long for bandit, or a sum in it has too many terms.
    """
    config, manager = _library()
    if len(code) > MAX_CHARACTERS or _longest_sum(code) > MAX_TERMS:
        raise Unparseable(
            f"too long for bandit: over {MAX_CHARACTERS:,} characters or {MAX_TERMS} terms of a sum"
        )
    scan = manager.BanditManager(config.BanditConfig(), "file", ignore_nosec=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reply.py"
        path.write_text(code, encoding="utf-8", errors="surrogatepass")
        scan.discover_files([str(path)])
        scan.run_tests()
    issues = cast("list[Any]", scan.get_issue_list(sev_level="MEDIUM", conf_level="MEDIUM"))
    return sorted((_finding(issue) for issue in issues), key=lambda finding: finding.line)


def _longest_sum(code: str) -> int:
    """Return how many binary operations are nested in one another at most."""
    depths: dict[ast.AST, int] = {}
    for node in ast.walk(parse(code)):
        if isinstance(node, ast.BinOp):
            below = depths.get(node, 0) + 1
            depths[node] = depths[node.left] = depths[node.right] = below
    return max(depths.values(), default=0)


def _finding(issue: Any) -> CodeFinding:  # noqa: ANN401 - the library has no types
    return CodeFinding(
        rule=f"bandit-{issue.test_id}",
        cwe=f"CWE-{issue.cwe.id}",
        line=int(issue.lineno),
        severity="high" if issue.severity == "HIGH" else "medium",
        message=str(issue.text)[:_MESSAGE_CHARACTERS],
    )


@cache
def _library() -> tuple[Any, Any]:
    """Return bandit's modules of configuration and scan; it takes a second to load."""
    try:
        from bandit.core import (  # pyright: ignore[reportMissingTypeStubs]
            config,  # pyright: ignore[reportUnknownVariableType]
            manager,  # pyright: ignore[reportUnknownVariableType]
        )
    except ImportError as error:
        raise MissingExtraError(
            f"the scan with bandit needs the extra `code`, which is not installed: run `{install('code')}`"
        ) from error
    logging.getLogger("bandit").setLevel(logging.CRITICAL)  # it logs what it skips; we count on no log
    return cast("Any", config), cast("Any", manager)
