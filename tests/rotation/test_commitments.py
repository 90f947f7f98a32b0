"""Merkle root, seal, sizes and keyed selection."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.errors import InputError
from alignmeter.identity import canonical_json
from alignmeter.rotation import (
    Commitment,
    PoolFamily,
    Stratum,
    merkle_root,
    read_json,
    seal,
    select,
    stratum_sizes,
)

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


def leaf(number: int, stratum: str = "a", *, kept: bool = False) -> PoolFamily:
    return PoolFamily(family=f"f{number}", stratum=stratum, kept=kept, probes={f"p{number}": "0" * 64})


pools = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from("abc"), st.booleans()),
    unique_by=lambda row: row[0],
    min_size=1,
).map(lambda rows: tuple(leaf(number, stratum, kept=kept) for number, stratum, kept in rows))


def test_the_root_of_two_families_is_the_hash_of_their_leaves_as_documented() -> None:
    pool = (leaf(1), leaf(2))

    first, second = (hashlib.sha256(b"\x00" + canonical_json(one)).digest() for one in pool)

    assert merkle_root(pool) == hashlib.sha256(b"\x01" + first + second).hexdigest()


@given(pools, st.randoms(use_true_random=False))
def test_the_root_does_not_depend_on_the_order(pool: tuple[PoolFamily, ...], random: object) -> None:
    shuffled = list(pool)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random

    assert merkle_root(shuffled) == merkle_root(pool)


@given(pools)
def test_the_root_changes_with_every_family(pool: tuple[PoolFamily, ...]) -> None:
    roots = {merkle_root(pool)}
    for place, one in enumerate(pool):
        roots.add(merkle_root(pool[:place] + pool[place + 1 :]))
        for other in (
            msgspec.structs.replace(one, kept=not one.kept),
            msgspec.structs.replace(one, probes={"p": "1" * 64}),
            msgspec.structs.replace(one, stratum="z"),
        ):
            roots.add(merkle_root((*pool[:place], other, *pool[place + 1 :])))

    assert len(roots) == 1 + 4 * len(pool)


STATED = Commitment(
    version=2,
    cycle=1,
    name="cycle_1",
    kind="rotating",
    created_at=1.5,
    suites=("mine",),
    generated=(),
    pool_root=merkle_root([leaf(1), leaf(2)]),
    key_digest="0" * 64,
    strata=(Stratum(name="a", families=2, fresh=1, anchors=0),),
    commitment="",
    fraction=0.5,
    anchors=0.25,
)


def test_the_commitment_is_the_hash_of_the_key_and_of_all_that_is_stated() -> None:
    stated = (
        '{"anchors":0.25,"created_at":1.5,"cycle":1,"fraction":0.5,"generated":[],"key_digest":"KEY",'
        '"kind":"rotating","name":"cycle_1","pool_root":"ROOT",'
        '"strata":[{"anchors":0,"families":2,"fresh":1,"name":"a"}],"suites":["mine"],"version":2}'
    )

    stated = stated.replace("KEY", STATED.key_digest).replace("ROOT", STATED.pool_root)
    assert seal(KEY, STATED) == hashlib.sha256(KEY + stated.encode()).hexdigest()


def test_version_1_sealed_the_key_the_root_and_the_sizes() -> None:
    stated = msgspec.structs.replace(STATED, version=1, fraction=None, anchors=None)

    expected = hashlib.sha256(
        KEY + bytes.fromhex(stated.pool_root) + b'[{"anchors":0,"families":2,"fresh":1,"name":"a"}]'
    ).hexdigest()

    assert seal(KEY, stated) == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 3}, "version 3, and this alignmeter reads up to 2: upgrade it"),
        ({"fraction": None}, "a fraction that is not above 0"),
        ({"anchors": 1.0}, "a share of anchors"),
    ],
)
def test_a_commitment_that_cannot_be_checked_is_refused_by_its_file(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    fields = {**msgspec.to_builtins(STATED), **change}
    (tmp_path / "c.json").write_bytes(msgspec.json.encode(fields))

    with pytest.raises(InputError, match=rf"c\.json: expected a commitment .*{complaint}"):
        read_json(tmp_path / "c.json", Commitment)


def test_families_are_selected_by_their_keyed_hash() -> None:
    pool = [leaf(number) for number in range(20)]
    first = sorted((one.family for one in pool), key=lambda f: hmac.digest(KEY, f.encode(), "sha256"))[:5]

    assert select(KEY, pool, [Stratum(name="a", families=20, fresh=5, anchors=0)]) == tuple(sorted(first))
    assert select(bytes(32), pool, [Stratum(name="a", families=20, fresh=5, anchors=0)]) != tuple(
        sorted(first)
    )


@given(pools, st.floats(0.01, 1), st.floats(0, 0.99))
def test_a_selection_has_the_sizes_that_were_committed_to(
    pool: tuple[PoolFamily, ...], fraction: float, anchors: float
) -> None:
    strata = stratum_sizes(pool, fraction=fraction, anchors=anchors)
    chosen = set(select(KEY, pool, strata))

    for stratum in strata:
        mine = [one for one in pool if one.stratum == stratum.name]
        asked = [one for one in mine if one.family in chosen]
        assert stratum.families == len(mine)
        assert sum(one.kept for one in asked) == stratum.anchors
        assert len(asked) == stratum.anchors + stratum.fresh == max(1, round(fraction * len(mine)))
    assert {one.stratum for one in pool} == {stratum.name for stratum in strata}


def test_about_thirty_percent_are_kept_where_enough_were_asked_before() -> None:
    pool = [leaf(number, kept=number < 50) for number in range(200)]

    (sizes,) = stratum_sizes(pool, fraction=0.25, anchors=0.3)

    assert (sizes.fresh, sizes.anchors) == (35, 15)


@pytest.mark.parametrize(("kept", "fresh", "anchors"), [(0, 5, 0), (1, 4, 1), (9, 1, 4), (10, 0, 5)])
def test_the_selection_keeps_its_size_where_fresh_or_kept_families_run_out(
    kept: int, fresh: int, anchors: int
) -> None:
    pool = [leaf(number, kept=number < kept) for number in range(10)]

    (sizes,) = stratum_sizes(pool, fraction=0.5, anchors=0.3)

    assert (sizes.fresh, sizes.anchors) == (fresh, anchors)
