"""How often `alignmeter frontier` is wrong, by the number of requests (families) on each axis.

Run it from the checkout: `python bench/frontier.py [--worlds 1000] [--sizes 10 20 30 60 150]`. Worlds of
which the truth is known are drawn, each point a number of requests on either axis, one a family. In
`border` worlds the second point is much safer, and less helpful by exactly the margin: the first neither is
dominated nor is it not, and whichever of the two is said is wrong; in those of `six` and `eleven` all others
are such points. In `safest` worlds the first is the one safest point among eleven, so it is free. In
`two ways` it is less helpful by twice the margin and as safe: dominated, and two axes may hide it. In `alike`
worlds no point is better than another, so none is dominated. In `clear` worlds the first is dominated by far
(in that of `six` by one other only), which should be said.

Columns: share of worlds in which a point is called DOMINATED (`clear`, `two ways`: rightly) and FRONTIER
(`safest`: rightly), each held to 5% where it is wrong; how often the interval of the hypervolume and the one
of a rate hold the truth, nominal 95%. The floor under which nothing is said (`ENOUGH`) is not applied here:
the figures are what it rests on.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.analysis.frontier import (
    ENOUGH,
    Axis,
    hypervolume,
    hypervolume_interval,
    joint_bootstrap,
    positions,
    rate,
    state_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Outcomes = NDArray[np.int8]

DRAWS = 1000
SIZES = (10, 20, 30, 60, 150)


class Setting(NamedTuple):
    """A kind of world.

    Attributes:
        helpful, safe: True rates of the points.
        common: Share of requests on which the points have one luck, as variants of one model do.
    """

    name: str
    helpful: tuple[float, ...]
    safe: tuple[float, ...]
    margin: float = 0.01
    common: float = 0.8


SETTINGS = (
    Setting("border", (0.70, 0.69), (0.40, 0.70)),
    Setting("border, apart", (0.70, 0.69), (0.40, 0.70), common=0.0),
    Setting("border, 5%", (0.70, 0.65), (0.40, 0.70), margin=0.05),
    Setting("border, high", (0.97, 0.96), (0.60, 0.90)),
    Setting("alike, three", (0.70, 0.70, 0.70), (0.60, 0.60, 0.60)),
    Setting("alike, high", (0.97, 0.97, 0.97), (0.90, 0.90, 0.90)),
    Setting("border, six", (0.70, *[0.69] * 5), (0.40, *[0.70] * 5), common=0.5),
    Setting("border, eleven", (0.70, *[0.69] * 10), (0.40, *[0.70] * 10), common=0.5),
    Setting("safest, eleven", (0.60, *[0.80] * 10), (0.92, *[0.90] * 10), common=0.5),
    Setting("two ways", (0.68, 0.70), (0.70, 0.70), common=0.5),
    Setting("clear", (0.70, 0.90), (0.40, 0.70)),
    Setting("clear, six", (0.70, 0.90, *[0.60] * 4), (0.40, 0.70, *[0.45] * 4)),
)


class Rates(NamedTuple):
    """Shares of worlds; of the point at place 0, or of any in `alike` worlds."""

    dominated: float
    frontier: float
    area_held: float
    rate_held: float


def simulated(setting: Setting, n: int, worlds: int, *, draws: int = DRAWS) -> Rates:
    """Draw worlds and count.

    Args:
        setting: What is true.
        n: Requests on each axis.
        worlds: How many.
        draws: Of each bootstrap.
    """
    rng = np.random.default_rng([2026, n])
    truth = (np.array(setting.helpful), np.array(setting.safe))
    area = float(hypervolume(*truth))
    names = (tuple(f"h{place}" for place in range(n)), tuple(f"s{place}" for place in range(n)))
    alike = setting.name.startswith("alike")
    counts = np.zeros(4)
    for world in range(worlds):
        good = [outcomes(rng, rates, n, setting.common) for rates in truth]
        joint = joint_bootstrap(Axis(names[0], good[0]), Axis(names[1], good[1]), draws=draws, seed=world)
        now = (good[0].mean(axis=0).tolist(), good[1].mean(axis=0).tolist())
        states = [state_of(one) for one in positions(now, joint, margin=setting.margin)]
        judged = states if alike else states[:1]
        held = hypervolume_interval(joint, float(hypervolume(np.array(now[0]), np.array(now[1]))))
        one = rate(good[0][:, 0])[1]
        counts += (
            "dominated" in judged,
            not alike and judged[0] == "frontier",
            held.lower <= area <= held.upper,
            one is not None and one.lower <= setting.helpful[0] <= one.upper,
        )
    return Rates(*(counts / worlds).tolist())


def outcomes(rng: np.random.Generator, rates: NDArray[np.float64], n: int, common: float) -> Outcomes:
    """Draw what each point did with each request, shape (n, points)."""
    points = len(rates)
    luck = np.where(rng.random((n, 1)) < common, rng.random((n, 1)), rng.random((n, points)))
    return (luck < rates).astype(np.int8)


def main() -> None:
    """Print a line a setting and size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    asked = parser.parse_args()
    print(f"{asked.worlds} worlds a line; the floor is {ENOUGH} requests")
    print(f"{'setting':<16}{'n':>5}{'dominated':>11}{'frontier':>10}{'area held':>11}{'rate held':>11}")
    for setting in SETTINGS:
        for n in asked.sizes:
            found = simulated(setting, n, asked.worlds)
            print(
                f"{setting.name:<16}{n:>5}"
                + "".join(
                    f"{100 * share:>{width}.1f}%" for share, width in zip(found, (10, 9, 10, 10), strict=True)
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
