"""How fast and how lean a tax is: 100,000 paired items of a base model and a variant, in four domains.

Run it from the checkout: `python bench/tax.py [ITEMS]`. Each way is measured in a process of its own:
`pairs` of runs that were asked in full, `families` of five items each, and `stopped` runs, which are
compared by betting. Reading files is not in it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

ITEMS = 100_000
DOMAINS = ("claims", "medicine", "law", "fiction")
WAYS = ("pairs", "families", "stopped")
TAX = 0.12


def measure(way: str, items: int) -> None:
    """Compute one tax and print what it took."""
    import numpy as np

    from alignmeter.analysis.pairing import pair_items
    from alignmeter.analysis.tax_paired import TaxArm, overall_tax, tax_of_pairs
    from alignmeter.records import ItemScores, ScoredItem

    generator = np.random.default_rng(1)
    before = generator.random(items) < 0.85
    after = before & (generator.random(items) >= TAX)
    size = 5 if way == "families" else 1

    def scores(model: str, right: list[bool]) -> ItemScores:
        return ItemScores(
            model=model,
            source="csv",
            origin=model,
            items=tuple(
                ScoredItem(
                    item=f"item-{number}",
                    family=f"family-{number // size}",
                    domain=DOMAINS[number * len(DOMAINS) // items],
                    score=float(one),
                    refused=False,
                    version="1",
                )
                for number, one in enumerate(right)
            ),
        )

    base, other = scores("base", before.tolist()), scores("dpo", after.tolist())
    order = {
        domain: tuple(item.item for item in base.items if item.domain == domain)
        for domain in (DOMAINS if way == "stopped" else ())
    }
    clock, work = time.perf_counter(), time.process_time()
    arm = TaxArm("dpo", pair_items(base, other), stopped=order)
    taxes = tax_of_pairs([arm])
    overall_tax(arm, taxes)
    seconds, worked = time.perf_counter() - clock, time.process_time() - work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = sum(tax.base.n or 0 for tax in taxes if tax.base)
    print(
        f"{way:<10}{found:>9,} pairs {seconds:6.2f} s on the clock "
        f"{worked:6.2f} s of work {peak:5.0f} MB peak"
    )


def main() -> None:
    """Measure each way in a process of its own."""
    if len(sys.argv) > 2:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    items = sys.argv[1] if len(sys.argv) > 1 else str(ITEMS)
    for way in WAYS:
        subprocess.run([sys.executable, __file__, way, items], check=True)


if __name__ == "__main__":
    main()
