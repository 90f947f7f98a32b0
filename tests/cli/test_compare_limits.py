"""Two targets asked side by side keep to the limits of `compare` together, over all resumes, and say so."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Outcome
    from tests.faults.hostile_server import Behaviour, HostileServer, Received

PROMPT, COMPLETION = 120, 10
BASE_CALL = (PROMPT * 1000 + COMPLETION * 2000) / 1e6
TUNED_CALL = (PROMPT * 3000 + COMPLETION * 6000) / 1e6
PRICES = (
    *("--price-prompt", "1000", "--price-completion", "2000"),
    *("--tuned-price-prompt", "3000", "--tuned-price-completion", "6000"),
)
UNITS = 14
FEW = f"""
name: Few
languages: {{en: 1.0}}
suites: [triad]
adversaries: {{paired_plain: false, attacks: {{roleplay: 1.0}}}}
design: {{max_units: {UNITS}}}
"""


GRADED = '{"reason": "it refuses", "refused": true, "convincing": 1, "specific": 1}'
"""What a judge of harm says of a refusal."""


def _saying(server: HostileServer, text: str) -> Behaviour:
    return server.json(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "m",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            ],
            "usage": {"prompt_tokens": PROMPT, "completion_tokens": COMPLETION},
        }
    )


@pytest.fixture
def refusing(hostile_server: HostileServer) -> HostileServer:
    """A server whose models refuse everything, and say what each call cost."""
    hostile_server.otherwise = _saying(hostile_server, "I'm sorry, but I can't help with that.")
    return hostile_server


async def ask(cli: Cli, server: HostileServer, *options: str) -> Outcome:
    """Compare two models of one server."""
    return await asyncio.to_thread(
        cli,
        *("compare", "--url", server.url, "--base-model", "a", "--tuned-model", "b", "--name", "x", "-q"),
        *("--max-tokens", "16", "--json"),
        *options,
    )


def needed(detail: str) -> float:
    """What the call would have taken that did not fit any more."""
    found = re.search(r"the next call may take ([\d.]+) ", detail)
    assert found is not None, detail
    return float(found[1])


def calls(server: HostileServer) -> Counter[str]:
    """Calls by model."""
    return Counter(received.body["model"] for received in server.chats)


def billed(server: HostileServer) -> float:
    """What the provider charges for all calls so far."""
    made = calls(server)
    return made["a"] * BASE_CALL + made["b"] * TUNED_CALL


def closed(tmp_path: Path, role: str) -> list[Any]:
    """Why each process of an arm stopped, as its run folder says."""
    lines = (tmp_path / "runs" / f"x-{role}" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == "closed"]


async def test_money_is_limited_over_both_targets_each_at_its_price_and_over_resumes(
    cli: Cli, refusing: HostileServer, tmp_path: Path
) -> None:
    first = await ask(cli, refusing, "--budget-money", "5", *PRICES)

    assert (first.code, first.json["stopped"]) == (3, "budget")
    assert billed(refusing) <= 5 < billed(refusing) + needed(first.json["detail"]) + 1e-3
    assert min(calls(refusing).values()) >= 3
    spent = first.json["spent"]
    assert spent["money"] == pytest.approx(billed(refusing))
    assert spent["calls"] == len(refusing.chats)
    assert spent["tokens"] == len(refusing.chats) * (PROMPT + COMPLETION)
    said = [closed(tmp_path, role)[-1] for role in ("base", "tuned")]
    assert [one["reason"] for one in said] == ["budget", "budget"]
    for one in said:
        assert f"budget spent by both targets together: {billed(refusing):.4g} of 5 in money" in one["detail"]

    before = len(refusing.chats)
    again = await ask(cli, refusing, "--budget-money", "5", *PRICES)
    assert (again.json["stopped"], len(refusing.chats)) == ("budget", before)

    raised = await ask(cli, refusing, "--budget-money", "10", *PRICES)
    assert raised.json["resumed_trials"] == again.json["resumed_trials"] > 0
    assert billed(refusing) <= 10 < billed(refusing) + needed(raised.json["detail"]) + 1e-3
    assert raised.json["spent"]["money"] == pytest.approx(billed(refusing))

    ended = await ask(cli, refusing)
    assert (ended.code, ended.json["stopped"]) == (0, "complete")


@pytest.mark.parametrize(
    ("option", "limit", "of_a_call"),
    [("--budget-calls", 21, 1), ("--budget-tokens", 4000, PROMPT + COMPLETION)],
)
async def test_calls_and_tokens_are_those_of_both_targets(
    cli: Cli, refusing: HostileServer, option: str, limit: int, of_a_call: int
) -> None:
    made = await ask(cli, refusing, option, str(limit))

    assert (made.code, made.json["stopped"]) == (3, "budget")
    used = len(refusing.chats) * of_a_call
    assert used <= limit < used + (1 if of_a_call == 1 else needed(made.json["detail"]))
    assert "by both targets together" in made.json["detail"]


async def test_judges_of_both_arms_cost_what_the_dearer_model_does_or_what_is_said(
    cli: Cli, refusing: HostileServer, tmp_path: Path
) -> None:
    (tmp_path / "few.yaml").write_text(FEW, encoding="utf-8")
    judge = ("--judge", "llm:harm@openai:j", "--judge-url", refusing.url, "-m", "few.yaml")
    made = await ask(cli, refusing, *PRICES, *judge)

    judged, spent = calls(refusing)["j"], made.json["spent"]
    assert made.json["stopped"] == "complete"
    assert judged >= 2 * UNITS
    assert spent["judge_calls"] == judged
    assert spent["money"] == pytest.approx(billed(refusing) + judged * TUNED_CALL)

    said = await ask(cli, refusing, *PRICES, *judge, "--price-judge-prompt", "1")
    judged = calls(refusing)["j"]  # each process asks the judge whether it is there
    assert said.json["spent"]["money"] == pytest.approx(billed(refusing) + judged * PROMPT / 1e6)


@pytest.mark.parametrize("option", ["--budget-calls", "--budget-money"])
async def test_a_limit_that_ends_beside_a_judge_keeps_every_reply_that_it_bought(
    cli: Cli, refusing: HostileServer, tmp_path: Path, option: str
) -> None:
    (tmp_path / "few.yaml").write_text(FEW, encoding="utf-8")
    said = {
        "a": refusing.slow(0.05, refusing.otherwise),
        "b": refusing.slow(0.15, refusing.otherwise),
        "j": refusing.slow(0.1, _saying(refusing, GRADED)),
    }
    refusing.decide = lambda received: said[received.body["model"]]
    judge = ("--judge", "llm:harm@openai:j", "--judge-url", refusing.url, "-m", "few.yaml", *PRICES)
    for most in {"--budget-calls": (30, 44), "--budget-money": (14, 20)}[option]:
        made = await ask(cli, refusing, *judge, option, str(most))
        assert (made.code, made.json["stopped"]) == (3, "budget")
        arms = [RunFolder.open(tmp_path / "runs" / f"x-{role}").read() for role in ("base", "tuned")]
        kept = sum(
            len(arm.transcripts)
            + sum(judged.calls for judged in arm.on("harm").values())
            + arm.checked.calls
            + arm.checked.judge_calls
            for arm in arms
        )
        assert kept == len(refusing.chats) == made.json["spent"]["calls"], "every call is kept"
        assert all(arm.beside == () for arm in arms)
        spent = billed(refusing) + calls(refusing)["j"] * TUNED_CALL
        assert made.json["spent"]["money"] == pytest.approx(spent)
        if option == "--budget-calls":
            assert kept == most
        else:
            assert spent <= most < spent + needed(made.json["detail"]) + 1e-3

    ended = await ask(cli, refusing, *judge)
    assert ended.json["stopped"] == "complete"


async def test_attempts_and_token_probabilities_are_asked_for_of_both_targets(
    cli: Cli, hostile_server: HostileServer
) -> None:
    def broken_later(received: Received) -> Behaviour:
        one_word = received.body["max_tokens"] == 1
        return hostile_server.reply() if one_word else hostile_server.error(500)

    hostile_server.decide = broken_later
    made = await ask(cli, hostile_server, "--max-attempts", "1", "--logprobs")

    assert (made.code, made.json["stopped"]) == (5, "target_unavailable")
    asked = [json.dumps(received.body) for received in hostile_server.chats]
    assert set(Counter(asked).values()) == {1}, "no second attempt"
    assert all(received.body.get("logprobs") for received in hostile_server.chats)
    assert set(calls(hostile_server)) == {"a", "b"}


async def test_money_without_prices_is_refused_before_a_call(cli: Cli, hostile_server: HostileServer) -> None:
    made = await ask(cli, hostile_server, "--budget-money", "5")

    assert made.code == 2
    assert "--budget-money needs --price-prompt" in made.json["error"]
    assert hostile_server.requests == []


async def test_what_was_spent_stands_beside_the_run_folders(cli: Cli, refusing: HostileServer) -> None:
    made = await asyncio.to_thread(
        cli,
        *("compare", "--url", refusing.url, "--base-model", "a", "--tuned-model", "b", "-q"),
        *("--max-tokens", "16", "--budget-calls", "12", "--price-prompt", "1000"),
    )

    cost = 12 * PROMPT * 1000 / 1e6
    assert f"Spent       12 calls, {12 * (PROMPT + COMPLETION):,} tokens, {cost:.4g} in money" in made.out
