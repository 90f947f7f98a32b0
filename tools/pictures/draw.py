"""Draw the README's pictures from one demo: `python tools/pictures/draw.py DEMO-plain DEMO-guarded`.

Both show the same two runs, so that they agree. Needs a browser: `chromium` on PATH, or $CHROMIUM.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import MONOKAI

from alignmeter.api import load_run
from alignmeter.report import render_comparison, write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Results

IMAGES = Path(__file__).parents[2] / "docs" / "images"
_COLUMNS = 78
_ROW, _COLUMN, _EDGE = 21, 9.1, 24
"""Pixels of a line and of a character of the terminal, and of the rim around it."""
_STYLE = (
    "<style>body{{margin:0;padding:24px;background:#0d1117;color:#e6edf3}}"
    "pre{{margin:0;font:15px/21px 'DejaVu Sans Mono',monospace}}{stylesheet}</style>"
)


def main() -> None:
    """Draw `report.png` and `terminal.png`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plain", type=Path, help="run folder of the plain model")
    parser.add_argument("guarded", type=Path, help="run folder of the model behind the guard")
    given = parser.parse_args()
    runs = [load_run(path) for path in (given.plain, given.guarded)]
    with tempfile.TemporaryDirectory() as folder:
        report = write_report(Path(folder), runs[1].manifest, runs[1].data, runs[1].results)
        _photograph(report, IMAGES / "report.png", (1180, 1000))
        terminal = Path(folder) / "terminal.html"
        lines = _terminal(terminal, [(run.manifest.target.name, run.results) for run in runs])
        size = (round(_COLUMNS * _COLUMN) + 2 * _EDGE, lines * _ROW + 2 * _EDGE)
        _photograph(terminal, IMAGES / "terminal.png", size)


def _terminal(path: Path, runs: Sequence[tuple[str, Results]]) -> int:
    """Write the table as a page; returns its lines."""
    console = Console(record=True, width=_COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    console.print("$ make demo")
    console.print(render_comparison(runs))
    page = console.export_html(theme=MONOKAI, code_format=_STYLE + "<pre>{code}</pre>")
    path.write_text(page, encoding="utf-8")
    return page.rpartition("<pre>")[2].rstrip().removesuffix("</pre>").rstrip().count("\n") + 1


def _photograph(page: Path, out: Path, size: tuple[int, int]) -> None:
    browser = os.environ.get("CHROMIUM", "chromium")
    options = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu")
    command = [browser, *options, f"--window-size={size[0]},{size[1]}", f"--screenshot={out}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the user's own browser


if __name__ == "__main__":
    main()
