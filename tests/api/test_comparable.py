"""Which runs were sampled alike: by what their replies were drawn with."""

from __future__ import annotations

from alignmeter.api.comparable import Sampled, sampling_problems
from alignmeter.records import Sampling


def _run(name: str, asked: float, **refused: int) -> Sampled:
    return Sampled(name, Sampling(temperature=asked), 0, 10, refused)


def test_given_a_refused_temperature_when_compared_with_one_that_was_sent_then_they_differ() -> None:
    found = sampling_problems(_run("the base", 0.0), _run("the aligned run", 0.0, temperature=10))
    assert found == ["temperature was 0.0 for the base and the server's own for the aligned run"]


def test_given_a_temperature_that_both_servers_refused_when_compared_then_they_are_alike() -> None:
    assert not sampling_problems(_run("a", 0.0, temperature=10), _run("b", 0.7, temperature=10))


def test_given_a_refusal_halfway_when_compared_then_the_run_is_like_no_other() -> None:
    mixed = _run("a", 0.0, temperature=4)
    (found,) = sampling_problems(mixed, mixed)
    assert found.startswith("temperature was 0.0 in 6 replies and the server's own in 4 replies for a")
