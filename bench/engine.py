"""Trials a second against a bare client on the same endpoint, and CPU and memory of a run.

    python bench/engine.py [--trials 2000] [--in-flight 200] [--latency 200] [--rounds 3]

A local server answers after a fixed latency. A bare aiohttp client asks it as fast as it can; then
the engine does, with journal, fsync, judging by the rules and analysis. Printed: the ratio of the
two rates pair by pair, CPU for each trial against a server without latency, and peak memory. The
goal is a ratio of 0.85 with at most 250 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_ENDPOINT = Path(__file__).with_name("endpoint.py")


def _serve(latency_ms: float) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, str(_ENDPOINT), "--latency", str(latency_ms)], stdout=subprocess.PIPE, text=True
    )
    port = process.stdout.readline().split()[-1] if process.stdout is not None else ""
    return process, f"http://127.0.0.1:{port}/v1"


async def _bare(url: str, trials: int, in_flight: int) -> float:
    """Seconds that a bare aiohttp client takes."""
    import aiohttp

    places = asyncio.Semaphore(in_flight)
    body = {
        "model": "bench",
        "messages": [{"role": "user", "content": "What goes well with roast potatoes?" * 3}],
        "temperature": 0,
        "max_tokens": 512,
    }
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> None:
            async with places, session.post(f"{url}/chat/completions", json=body) as response:
                json.loads(await response.read())

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(trials)))
        return time.perf_counter() - began


def _trials(count: int) -> Any:  # noqa: ANN401 - a tuple of trials, typed where it is used
    from alignmeter.identity import trial_id
    from alignmeter.records import Message, Trial

    made: list[Trial] = []
    for number in range(count):
        messages = (Message(role="user", content=f"What goes well with roast potatoes on day {number}?"),)
        made.append(
            Trial(
                id=trial_id(messages),
                probe=f"bench-{number}",
                suite="bench",
                family=f"bench-{number}",
                intent="benign",
                domain="cooking",
                language="en",
                axis="refusal",
                messages=messages,
                request=messages[0].content,
            )
        )
    return tuple(made)


async def _engine(url: str, count: int, in_flight: int, folder: Path) -> float:
    """Seconds that the engine takes, from the first call to the last judgement on disk."""
    from alignmeter.engine import Engine, EngineOptions
    from alignmeter.engine.schedule import FixedSchedule
    from alignmeter.judges import default_judges
    from alignmeter.store import JournalWriter, Planned
    from alignmeter.targets.openai_compatible import OpenAICompatible

    trials = _trials(count)
    journal = JournalWriter(folder / "journal.jsonl")
    journal.append_all([Planned(index=index, trial=trial) for index, trial in enumerate(trials)])
    async with OpenAICompatible(url, "bench") as target:
        engine = Engine(target, default_judges(), journal, options=EngineOptions(concurrency=in_flight))
        began = time.perf_counter()
        stopped = await engine.run(FixedSchedule(trials), unjudged={})
        journal.sync()
        seconds = time.perf_counter() - began
    journal.close()
    if stopped.reason != "complete" or len(engine.judgements["refusal"]) != count:
        raise SystemExit(f"the engine stopped: {stopped.reason} {stopped.detail}")
    return seconds


def _child(kind: str, url: str, trials: int, in_flight: int) -> None:
    """One measurement in a process of its own, printed as JSON."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if kind == "bare":
            seconds = runner.run(_bare(url, trials, in_flight))
        else:
            with tempfile.TemporaryDirectory() as folder:
                runner.run(_engine(url, 50, in_flight, Path(folder)))
            with tempfile.TemporaryDirectory() as folder:
                before = time.process_time()
                seconds = runner.run(_engine(url, trials, in_flight, Path(folder)))
                print(json.dumps({"cpu": time.process_time() - before}), file=sys.stderr)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def _measure(kind: str, url: str, trials: int, in_flight: int) -> dict[str, float]:
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            "--child",
            kind,
            url,
            "--trials",
            str(trials),
            "--in-flight",
            str(in_flight),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout)
    if done.stderr.strip():
        figures.update(json.loads(done.stderr.strip().splitlines()[-1]))
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--latency", type=float, default=200.0, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(options.child[0], options.child[1], options.trials, options.in_flight)
        return
    server, url = _serve(options.latency)
    try:
        ratios: list[float] = []
        peaks: list[float] = []
        for number in range(1, options.rounds + 1):
            bare = _measure("bare", url, options.trials, options.in_flight)
            ours = _measure("engine", url, options.trials, options.in_flight)
            ratios.append(bare["seconds"] / ours["seconds"])
            peaks.append(ours["peak_mb"])
            print(
                f"round {number}: bare {options.trials / bare['seconds']:7.0f} trials/s, "
                f"engine {options.trials / ours['seconds']:7.0f} trials/s, ratio {ratios[-1]:.2f}"
            )
    finally:
        server.kill()
    server, url = _serve(0)
    try:
        flat_out = _measure("engine", url, options.trials, options.in_flight)
        flat_bare = _measure("bare", url, options.trials, options.in_flight)
    finally:
        server.kill()
    print(f"ratio to a bare client, median: {statistics.median(ratios):.2f} (at least 0.60, goal 0.85)")
    print(
        f"without latency: {options.trials / flat_out['seconds']:.0f} trials/s (bare client "
        f"{options.trials / flat_bare['seconds']:.0f}), "
        f"CPU for a trial {1e3 * flat_out['cpu'] / options.trials:.2f} ms"
    )
    print(f"peak memory: {max(peaks):.0f} MB (at most 250)")


if __name__ == "__main__":
    main()
