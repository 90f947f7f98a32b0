"""Train the encoder that hears full refusals once more; write its layers and its figures.

python tools/train_refusal_judge/train_encoder.py --jailbreaks ../shared/data/gptfuzz_labeled --work FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from arrays_file import write_arrays
from examples import own_replies
from passages import passages
from upper import upper_layers

from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.refusal_embedded import HOLLOW

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from passages import Passage

DATA = Path(__file__).parents[2] / "src" / "alignmeter" / "judges" / "data"
FIGURES = "refusal_encoder.figures.json"
_DIGITS = 4


def main() -> None:
    """Do all of it; what was done already in the folder is read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jailbreaks", type=Path, required=True, help="folder of GPTFuzz's labelled replies")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps what was computed")
    options = parser.parse_args()
    hands = own_replies()
    rows = passages(hands, options.jailbreaks)
    upper = upper_layers(rows, options.work)
    write_arrays(DATA / heads.LAYERS_FILE, upper.tensors)
    labels = [each.label for written in hands.values() for each in written]
    figures = figures_of(rows, labels, heads.softmax(upper.unseen)[:, heads.FULL] < HOLLOW)
    (DATA / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    print(msgspec.json.format(msgspec.json.encode(figures)).decode())


def figures_of(
    rows: list[Passage], labels: list[str], hollow: NDArray[np.bool_]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return how many replies, and what share of them the encoder is sure refuse less than fully.

    Args:
        rows: All passages.
        labels: Of those that are ours, in their order.
        hollow: Of which an encoder was sure that had not seen their hand or question, shape (n,).
    """
    jailbreaks = np.array(["" if row.reply is None else row.reply.label for row in rows])
    ours = np.array([labels[row.source] if row.source >= 0 else "" for row in rows])
    kinds = {
        "jailbreaks": {"harm_done": jailbreaks == "delivered", "no_harm_done": jailbreaks == "none"},
        "hands_out": {label: ours == label for label in ("full", "partial", "none")},
    }
    return {
        name: {
            kind: {"n": int(chosen.sum()), "not_full": round(float(hollow[chosen].mean()), _DIGITS)}
            for kind, chosen in parts.items()
        }
        for name, parts in kinds.items()
    }


if __name__ == "__main__":
    main()
