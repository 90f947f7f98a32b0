"""What the options of `alignmeter compare` say: two runs, two targets, or a history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from alignmeter.cli.locate import find_run
from alignmeter.cli.output import RunsOption, UrlOption
from alignmeter.cli.target_options import (
    ExtraBodyOption,
    KeyEnvOption,
    LogprobsOption,
    MaxTokensOption,
    SeedOption,
    SlotsOption,
    TargetChoice,
    TemperatureOption,
    TimeoutOption,
)
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

    @property
    def names_a_target(self) -> bool:
        """Whether the options mean a target although no spec of it is given."""
        return any((self.model, self.system_prompt, self.few_shot, self.adapter))


class Arms(NamedTuple):
    """Options of `compare`: what is said of one arm alone."""

    base_target: Annotated[str | None, typer.Option(help="The model before, asked now.", metavar="SPEC")] = (
        None
    )
    tuned_target: Annotated[
        str | None, typer.Option(help="The model after, asked beside it.", metavar="SPEC")
    ] = None
    base_model: Annotated[str | None, typer.Option(help="Name of the base at --url.", metavar="NAME")] = None
    tuned_model: Annotated[
        str | None, typer.Option(help="Name of the tuned model at --url.", metavar="NAME")
    ] = None
    base_url: Annotated[str | None, typer.Option(help="--url of the base alone.", metavar="URL")] = None
    tuned_url: Annotated[str | None, typer.Option(help="--url of the tuned model alone.", metavar="URL")] = (
        None
    )
    base_system_prompt: Annotated[
        str | None, typer.Option(help="Text file put before every conversation.", metavar="FILE")
    ] = None
    tuned_system_prompt: Annotated[
        str | None, typer.Option(help="The same of the tuned model.", metavar="FILE")
    ] = None
    base_few_shot: Annotated[
        str | None, typer.Option(help='JSONL file of {"user", "assistant"} examples.', metavar="FILE")
    ] = None
    tuned_few_shot: Annotated[
        str | None, typer.Option(help="The same of the tuned model.", metavar="FILE")
    ] = None
    base_adapter: Annotated[
        str | None, typer.Option(help="LoRA adapter, as `run --adapter`.", metavar="PATH")
    ] = None
    tuned_adapter: Annotated[
        str | None, typer.Option(help="The same of the tuned model.", metavar="PATH")
    ] = None
    base_variant: Annotated[str | None, typer.Option(help="Name of the base in reports.", metavar="NAME")] = (
        None
    )
    tuned_variant: Annotated[
        str | None, typer.Option(help="Name of the tuned model in reports.", metavar="NAME")
    ] = None
    base_revision: Annotated[
        str | None, typer.Option(help="Tells checkpoints behind one name apart.", metavar="TEXT")
    ] = None
    tuned_revision: Annotated[
        str | None, typer.Option(help="The same of the tuned model.", metavar="TEXT")
    ] = None
    base_extra_body: Annotated[
        str | None, typer.Option(help="--extra-body of the base alone.", metavar="JSON")
    ] = None
    tuned_extra_body: Annotated[
        str | None, typer.Option(help="--extra-body of the tuned model alone.", metavar="JSON")
    ] = None

    @property
    def base(self) -> ArmChoice:
        """What is said of the base."""
        return self._arm("base_")

    @property
    def tuned(self) -> ArmChoice:
        """What is said of the tuned model."""
        return self._arm("tuned_")

    def _arm(self, prefix: str) -> ArmChoice:
        said = self._asdict().items()
        return ArmChoice(
            **{name.removeprefix(prefix): value for name, value in said if name.startswith(prefix)}
        )


class Shared(NamedTuple):
    """Options of `compare`: what is said of both arms."""

    url: UrlOption = None
    extra_body: ExtraBodyOption = None
    api_key_env: KeyEnvOption = None
    max_tokens: MaxTokensOption = None
    temperature: TemperatureOption = 0.0
    seed: SeedOption = 0
    timeout: TimeoutOption = None
    logprobs: LogprobsOption = False
    slots: SlotsOption = None
    runs: RunsOption = "runs"


class Sides(NamedTuple):
    """What is compared, base first: two run folders, or else two targets."""

    runs: tuple[Path, Path] | None
    arms: tuple[ArmChoice, ArmChoice]


def sides(arguments: Sequence[str], arms: Arms, runs: str) -> Sides:
    """Tell runs from targets.

    Args:
        arguments: Positional arguments.
        arms: What the options say of either target.
        runs: Folder that holds run folders.

    Raises:
        InputError: They are not two of a kind, or a run does not exist.
    """
    base, tuned = arms.base, arms.tuned
    by_option = base.target is not None or tuned.target is not None
    named = base.names_a_target or tuned.names_a_target
    if by_option or (named and not arguments):
        if arguments:
            raise InputError(
                f"expected two runs or two targets, got {', '.join(map(repr, arguments))} beside "
                f"--base-target or --tuned-target; give both targets the same way"
            )
        return Sides(None, (base, tuned))
    if len(arguments) != _TWO:
        raise InputError(
            f"expected two runs or two targets, BASE and TUNED, got {len(arguments)}: "
            f"{', '.join(map(repr, arguments)) or 'none'}; more than two runs go with --history"
        )
    one, two = arguments
    kinds = [is_target(name, runs) for name in arguments]
    if all(kinds):
        return Sides(None, (base._replace(target=one), tuned._replace(target=two)))
    if any(kinds):
        run = two if kinds[0] else one
        raise InputError(
            f"expected two runs or two targets, got {one!r} and {two!r}; `replay:{run}` asks a recording "
            f"beside a target"
        )
    return Sides((find_run(one, runs), find_run(two, runs)), (base, tuned))


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
    said: dict[str, Any] = shared._asdict() | arm._asdict()
    said["url"] = arm.url or shared.url
    said["extra_body"] = arm.extra_body or shared.extra_body
    return TargetChoice(**said)
