"""What the options of `alignmeter compare` say: two runs, two targets, or a history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from alignmeter.cli.locate import find_run
from alignmeter.cli.target_options import TargetChoice
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.api import ArmRequest

_TWO = 2
OF_RUNS = frozenset(
    {
        "runs_or_targets",
        "runs",
        "judge",
        "margin",
        "equivalence",
        "unmask",
        "flips",
        "quiet",
        "out",
        "as_json",
    }
)
"""Parameters of `compare` that mean something where two runs are read; it asks for no progress."""
OF_HISTORY_ALONE = frozenset({"history", "reference"})
OF_HISTORY = OF_HISTORY_ALONE | (OF_RUNS - {"equivalence", "unmask", "flips"})
"""Those of a history; any other one, and whatever is added to the command, is for targets."""


def belongs(name: str) -> str:
    """Say what a parameter of `compare` is for."""
    if name in OF_HISTORY_ALONE:
        return "--history"
    return "a comparison of two" if name in OF_RUNS else "targets that are asked"


def share(text: str) -> float:
    """Parse a share strictly between 0 and 1: `15%` or `0.15`."""
    written = str(text).strip()  # a default comes as the number that it is
    try:
        value = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise typer.BadParameter(f"expected a share between 0 and 1 such as 15% or 0.15, got {text!r}")
    return value


def is_target(name: str, runs: str) -> bool:
    """Whether a positional argument names a target rather than a run."""
    from alignmeter.targets import is_target_spec

    if any((path / "run.json").is_file() for path in (Path(name), Path(runs) / name)):
        return False
    return is_target_spec(name)


class Sides(NamedTuple):
    """What is compared: two run folders, or two target specs, base first."""

    runs: tuple[Path, Path] | None = None
    targets: tuple[str | None, str | None] | None = None


def sides(
    arguments: Sequence[str], base_target: str | None, tuned_target: str | None, runs: str, *, named: bool
) -> Sides:
    """Tell runs from targets.

    Args:
        arguments: Positional arguments.
        base_target: `--base-target`.
        tuned_target: `--tuned-target`.
        runs: Folder that holds run folders.
        named: Whether further options name targets, so that none need be spelled out.

    Raises:
        InputError: They are not two of a kind, or a run does not exist.
    """
    by_option = base_target is not None or tuned_target is not None
    if by_option or (named and not arguments):
        if arguments:
            raise InputError(
                f"expected two runs or two targets, got {', '.join(map(repr, arguments))} beside "
                f"--base-target or --tuned-target; give both targets the same way"
            )
        return Sides(targets=(base_target, tuned_target))
    if len(arguments) != _TWO:
        raise InputError(
            f"expected two runs or two targets, BASE and TUNED, got {len(arguments)}: "
            f"{', '.join(map(repr, arguments)) or 'none'}; more than two runs go with --history"
        )
    base, tuned = arguments
    kinds = [is_target(name, runs) for name in arguments]
    if all(kinds):
        return Sides(targets=(base, tuned))
    if any(kinds):
        run = tuned if kinds[0] else base
        raise InputError(
            f"expected two runs or two targets, got {base!r} and {tuned!r}; `replay:{run}` asks a recording "
            f"beside a target"
        )
    return Sides(runs=(find_run(base, runs), find_run(tuned, runs)))


class ArmChoice(NamedTuple):
    """What the user said of one arm."""

    target: str | None
    url: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    few_shot: str | None = None
    adapter: str | None = None
    variant: str | None = None
    revision: str | None = None
    extra_body: str | None = None


class Shared(NamedTuple):
    """What the user said of both arms."""

    url: str | None = None
    key_env: str | None = None
    extra_body: str | None = None
    max_tokens: int | None = None
    temperature: float = 0.0
    seed: int = 0
    timeout: float | None = None
    slots: int | None = None
    logprobs: bool = False
    runs: str = "runs"


def arm_requests(base: ArmChoice, tuned: ArmChoice, shared: Shared) -> tuple[ArmRequest, ArmRequest]:
    """Turn what the options say into two targets that are sampled alike.

    What is said of both goes to those that have a use for it; `refuse_untaken` refuses what none has.

    Raises:
        InputError: They contradict each other, or a file cannot be read.
    """
    for name, said in {"url": shared.url, "extra-body": shared.extra_body}.items():
        own = [getattr(arm, name.replace("-", "_")) for arm in (base, tuned)]
        if said is not None and None not in own:
            raise InputError(
                f"--{name} is for both targets, got --base-{name} and --tuned-{name} beside it; leave one out"
            )
    choices = [_choice(arm, shared) for arm in (base, tuned)]
    # Replies of different lengths are not comparable, so the shorter default holds for both.
    tokens = min(choice.longest_reply for choice in choices)
    one, two = (choice._replace(max_tokens=tokens) for choice in choices)
    return _request(one), _request(two)


def _request(choice: TargetChoice) -> ArmRequest:
    from alignmeter.api import ArmRequest

    return ArmRequest(target=choice.spec, options=choice.options().for_kind(choice.spec.partition(":")[0]))


def _choice(arm: ArmChoice, shared: Shared) -> TargetChoice:
    return TargetChoice(
        target=arm.target,
        url=arm.url or shared.url,
        model=arm.model,
        system_prompt=arm.system_prompt,
        few_shot=arm.few_shot,
        adapter=arm.adapter,
        variant=arm.variant,
        revision=arm.revision,
        extra_body=arm.extra_body or shared.extra_body,
        api_key_env=shared.key_env,
        max_tokens=shared.max_tokens,
        temperature=shared.temperature,
        seed=shared.seed,
        timeout=shared.timeout,
        slots=shared.slots,
        logprobs=shared.logprobs,
        runs=shared.runs,
    )
