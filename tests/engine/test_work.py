"""Work outside a run that the user stops: what is in hand is given up, and one line says what is kept."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from alignmeter.engine import Allowance, Work
from alignmeter.errors import WorkInterruptedError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_given_a_signal_when_pieces_are_in_hand_then_they_are_given_up_and_none_is_begun(
    number: signal.Signals,
) -> None:
    work = Work(Allowance())
    begun: list[int] = []
    done: list[int] = []

    async def one(piece: int) -> None:
        begun.append(piece)
        if piece == 3:
            os.kill(os.getpid(), number)
        if piece >= 2:
            await asyncio.sleep(3600)
        done.append(piece)

    await work.each(range(10), one, width=2)

    assert (begun, done) == ([0, 1, 2, 3], [0, 1])
    assert work.ended
    with pytest.raises(
        WorkInterruptedError,
        match=rf"stopped by {number.name}: 2 of 10 pieces are done and kept in 'file', and the same command",
    ) as ended:
        work.finish(len(done), 10, "pieces", place="file")
    assert ended.value.exit_code == 130


async def test_given_a_signal_after_the_last_piece_then_the_work_is_done() -> None:
    work = Work(Allowance())

    async def one(_: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.shield(asyncio.sleep(0))

    await work.each([1], one, width=1)
    work.finish(1, 1, "pieces")


async def test_given_work_that_is_not_kept_then_a_signal_is_none_of_its_business() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    async def one(_: int) -> None:
        seen.append(signal.getsignal(signal.SIGINT))

    await Work(Allowance()).each([1], one, width=1, kept=False)
    assert seen == [before]
