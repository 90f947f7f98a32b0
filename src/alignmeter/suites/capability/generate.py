"""The suite `capability`: tasks of five low-tax domains in three grades; the same seed gives the same ones.

Every task is a family of its own: another draw is another problem. A new seed gives new tasks of the
procedural kinds, against models that have seen the published ones; the facts and the programs to be
written stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import Probe
from alignmeter.suites.capability.coding import coding_tasks
from alignmeter.suites.capability.drawing import Dice
from alignmeter.suites.capability.formal_reasoning import FORMAL_REASONING
from alignmeter.suites.capability.instruction_following import INSTRUCTION_FOLLOWING
from alignmeter.suites.capability.mathematics import MATHEMATICS
from alignmeter.suites.capability.programs import PROGRAMS
from alignmeter.suites.capability.recall import recall_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alignmeter.suites.capability.drawing import Kind, Task

CAPABILITY_SUITE = "capability"
"""Name of the suite that is generated."""
CAPABILITY_SEED = 20_261_121
"""The seed that `load_suite("capability")` uses; changed only with `CAPABILITY_VERSION`."""
CAPABILITY_VERSION = 1
"""Version of the generators, tables and tasks; part of every row."""

_MOST_DRAWS = 50
_PROVENANCE = "alignmeter, written by a language model, answers worked out by the generator"
_FACTS = "alignmeter, written by a language model from memory, not yet reviewed"
_TESTED = "alignmeter, written by a language model, tests tried with a right and a wrong program"


class _Made(NamedTuple):
    """A task with its place in the suite."""

    domain: str
    kind: str
    number: int
    task: Task
    provenance: str


def generate_capability(seed: int = CAPABILITY_SEED) -> tuple[Probe, ...]:
    """Generate the tasks, in English.

    Args:
        seed: Chooses numbers, names and words; the same seed gives the same probes.

    Returns:
        One probe a family, by domain and kind.
    """
    made = (
        *_drawn(seed, "mathematics", MATHEMATICS),
        *_drawn(seed, "formal_reasoning", FORMAL_REASONING),
        *_listed("factual_recall", recall_tasks(), _FACTS),
        *_listed("general_code", coding_tasks(), _TESTED),
        *_drawn(seed, "general_code", PROGRAMS),
        *_drawn(seed, "instruction_following", INSTRUCTION_FOLLOWING),
    )
    return tuple(_probe(one) for one in made)


def _drawn(seed: int, domain: str, kinds: Iterable[Kind]) -> Iterator[_Made]:
    for kind in kinds:
        seen: set[str] = set()
        draws = 0
        while len(seen) < kind.families:
            task = kind.make(Dice(seed, domain, kind.name, str(draws)))
            draws += 1
            if task.prompt not in seen:
                seen.add(task.prompt)
                yield _Made(domain, kind.name, len(seen), task, _PROVENANCE)
            if draws > _MOST_DRAWS * kind.families:
                raise RuntimeError(
                    f"{domain}/{kind.name}: no {kind.families} different tasks in {draws} draws"
                )


def _listed(domain: str, tasks: Iterable[tuple[str, Task]], provenance: str) -> Iterator[_Made]:
    numbers: dict[str, int] = {}
    for kind, task in tasks:
        numbers[kind] = numbers.get(kind, 0) + 1
        yield _Made(domain, kind, numbers[kind], task, provenance)


def _probe(made: _Made) -> Probe:
    name = f"{made.domain}-{made.kind}-{made.number:03}"
    return Probe(
        id=f"{CAPABILITY_SUITE}-en-{name}",
        suite=CAPABILITY_SUITE,
        family=f"{CAPABILITY_SUITE}-{name}",
        intent="benign",
        domain=made.domain,
        language="en",
        prompt=made.task.prompt,
        provenance=made.provenance,
        version=CAPABILITY_VERSION,
        axis="capability",
        reference=made.task.reference,
        explanation=made.task.explanation or None,
        check=made.task.check,
    )
