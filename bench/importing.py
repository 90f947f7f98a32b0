"""How fast and how lean an import is: 100,000 made-up rows of CSV, JSON Lines and Parquet.

Run it from the checkout: `python bench/importing.py [ROWS]`. Each format is imported in a process of its
own, which prints its seconds on the clock, its seconds of processor time and its peak memory; on a
machine that is busy with other work the second is the one that says something.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 100_000
FORMATS = ("csv", "jsonl", "parquet")
CATEGORIES = ("deception", "hate", "privacy", "violence")
WORDS = ("about", "brick", "bridge", "clock", "cold", "garden", "glass", "green", "house", "letter", "make")


def write(path: Path, rows: int) -> None:
    """Write rows with the columns of OR-Bench."""
    random.seed(1)
    found = [
        (f"{' '.join(random.choices(WORDS, k=15))} {number}?", random.choice(CATEGORIES))  # noqa: S311
        for number in range(rows)
    ]
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("prompt", "category"), *found])
    elif path.suffix == ".jsonl":
        lines = (json.dumps({"prompt": prompt, "category": category}) for prompt, category in found)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        import duckdb

        source = path.with_suffix(".csv")
        with duckdb.connect() as database:
            database.read_csv(str(source)).write_parquet(str(path))


def measure(path: Path, folder: Path) -> None:
    """Import one file and print what it took."""
    from alignmeter.api import import_suite

    clock, work = time.perf_counter(), time.process_time()
    done = import_suite("or_bench", path, folder=folder)
    seconds, worked = time.perf_counter() - clock, time.process_time() - work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{path.suffix[1:]:<8}{done.origin.probes:>9,} probes {seconds:6.2f} s on the clock "
        f"{worked:6.2f} s of work {peak:5.0f} MB peak"
    )


def main() -> None:
    """Write the files, and import each in a process of its own."""
    if len(sys.argv) > 2:
        measure(Path(sys.argv[1]), Path(sys.argv[2]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        for form in FORMATS:
            path = Path(name) / f"or-bench-80k.{form}"
            write(path, rows)
            command = [sys.executable, __file__, str(path), str(Path(name) / form)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
