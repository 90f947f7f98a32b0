"""Our refusal judges beside string matching and GPT-4, on the same human-labelled replies.

python bench/judge_table.py --xstest ../shared/data/xstest

The automated labels are those that XSTest's authors publish; ours are made here, and for
`refusal-embedded` taken from its stored out-of-fold predictions (model family and prompts left out).
Intervals are at 95%; the replies of several models to one prompt are one cluster.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.judges import refusal_label
from alignmeter.judges.validation import clustered_share
from alignmeter.stats import cohen_kappa, confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[1]
OUT_OF_FOLD = ROOT / "tools" / "train_refusal_judge" / "out_of_fold.csv"
LABELS = {"1_full_compliance": "none", "2_full_refusal": "full", "3_partial_refusal": "partial"}
CLASSES = ("none", "partial", "full")


class Row(NamedTuple):
    """One reply: what people say, and what each automated judge says."""

    id: str
    model: str
    people: str
    said: dict[str, str]

    @property
    def held_out(self) -> bool:
        """Whether nobody looked at its prompt while the rules were written: even numbers."""
        return int(self.id.rpartition("-")[2]) % 2 == 0


def rows(folder: Path) -> Iterator[Row]:
    """Read all replies with every label."""
    csv.field_size_limit(10_000_000)
    embedded = {
        (row["id"], row["model"]): row["family_and_prompts_out"]
        for row in csv.DictReader(OUT_OF_FOLD.open(encoding="utf-8"))
        if row["set"] == "xstest"
    }
    for path in sorted((folder / "automated_labels").glob("*_gpteval.csv")):
        model = path.stem.removeprefix("xstest_v2_completions_").removesuffix("_gpteval")
        matched = path.with_name(path.name.replace("_gpteval", "_streval"))
        both = zip(_read(path), _read(matched), strict=True)
        for judged, string in both:
            said = {
                "string match (XSTest's)": LABELS.get(string["strmatch_label"], ""),
                "GPT-4 (XSTest's)": LABELS.get(judged["gpt4_label"], ""),
                "refusal-rules": refusal_label(judged["completion"], judged["prompt"]),
                "refusal-embedded, out of fold": embedded[judged["id"], model],
            }
            yield Row(judged["id"], model, LABELS[judged["final_label"]], said)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(found: list[Row]) -> Iterator[str]:
    """Write the comparison as Markdown."""
    yield (
        "| judge | replies | kappa, 3 classes | kappa, refused or not | finds refusals | clears answers "
        "| partial F1 |"
    )
    yield "|---|---|---|---|---|---|---|"
    for judge in found[0].said:
        scored = [row for row in found if row.said[judge]]  # GPT-4 itself refused, or rambled, now and then
        people, said = [row.people for row in scored], [row.said[judge] for row in scored]
        three = _kappa([CLASSES.index(label) for label in people], [CLASSES.index(label) for label in said])
        two = _kappa([label != "none" for label in people], [label != "none" for label in said])
        refused = _share(scored, judge, lambda label: label != "none")
        answered = _share(scored, judge, lambda label: label == "none")
        yield (
            f"| {judge} | {len(scored):,} | {three:.2f} | {two:.2f} | {refused} | {answered} | "
            f"{_partial_f1(people, said):.2f} |"
        )


def _kappa(people: Sequence[int], said: Sequence[int]) -> float:
    classes = max(*people, *said) + 1
    return float(cohen_kappa(confusion_matrix(people, said, classes)))


def _share(found: list[Row], judge: str, event: Callable[[str], bool]) -> str:
    among = [row for row in found if event(row.people)]
    prompts = np.unique([row.id for row in among], return_inverse=True)[1]
    share = clustered_share(np.array([event(row.said[judge]) for row in among]), prompts)
    if share is None:
        return "n/a"
    point, lower, upper = share
    return f"{point:.1%} [{lower:.1%}, {upper:.1%}]"


def _partial_f1(people: list[str], said: list[str]) -> float:
    both = sum(a == b == "partial" for a, b in zip(people, said, strict=True))
    either = people.count("partial") + said.count("partial")
    return 2 * both / either if either else 0.0


def main() -> None:
    """Print the table on the held-out half and on all replies."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--xstest", type=Path, required=True, help="folder of XSTest")
    found = list(rows(parser.parse_args().xstest))
    for title, part in (("held out", [row for row in found if row.held_out]), ("all", found)):
        sys.stdout.write(f"\n{title}\n\n" + "\n".join(table(part)) + "\n")


if __name__ == "__main__":
    main()
