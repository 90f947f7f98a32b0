"""The options that name a target, shared by the commands that talk to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from alignmeter.cli.given import refuse_unused
from alignmeter.cli.locate import find_recording
from alignmeter.cli.numbers import real, whole
from alignmeter.cli.output import ModelOption, RunsOption, UrlOption
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.targets import TargetOptions, Variant

MAX_TOKENS = 512
EMBEDDED_MAX_TOKENS = 96
"""The embedded model decodes about a hundred tokens a second on two cores and rarely stops early."""

KeyEnvOption = Annotated[
    str | None,
    typer.Option(
        "--api-key-env",
        help="Environment variable that holds the key; default ALIGNMETER_API_KEY, else OPENAI_API_KEY; "
        "where no URL is given only the latter.",
        metavar="VAR",
    ),
]
ExtraBodyOption = Annotated[
    str | None,
    typer.Option(
        "--extra-body",
        help="JSON object whose fields go into every request to an openai: target, for example "
        '{"chat_template_kwargs": {"enable_thinking": false}}.',
        metavar="JSON",
    ),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(parser=whole(1), metavar="N", help="Longest reply; default 512, of a model here 96."),
]
TemperatureOption = Annotated[
    float,
    typer.Option(parser=real(), metavar="X", help="Sampling temperature, where the endpoint takes one."),
]
SeedOption = Annotated[
    int, typer.Option(parser=whole(0), metavar="N", help="Sampling seed, where the endpoint takes one.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", parser=real(exclusive=True), metavar="S", help="Seconds for one call."),
]
LogprobsOption = Annotated[
    bool,
    typer.Option("--logprobs", help="Ask for token probabilities: how sure closed answers are."),
]
SlotsOption = Annotated[
    int | None, typer.Option(parser=whole(1), metavar="N", help="Parallel slots of an embedded model.")
]
ForceSequesteredOption = Annotated[
    bool,
    typer.Option(
        "--force-sequestered", help="Show a sequestered pool to a remote model; the ledger says so."
    ),
]
SameSystemOption = Annotated[
    bool,
    typer.Option(
        "--same-system", help="The system of the run that is named has moved to this URL; go on with it."
    ),
]


class TargetChoice(NamedTuple):
    """Options of `run`: the target, what stands before its prompts, and how it is sampled."""

    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help="embedded, embedded:PATH.gguf, openai:MODEL, python:MODULE:FUNCTION, replay:RUN or "
            "transformers:FOLDER; default: embedded, or openai:NAME where --model is given.",
            metavar="SPEC",
        ),
    ] = None
    url: UrlOption = None
    model: ModelOption = None
    system_prompt: Annotated[
        str | None,
        typer.Option("--system-prompt", help="Text file put before every conversation.", metavar="FILE"),
    ] = None
    few_shot: Annotated[
        str | None,
        typer.Option("--few-shot", help='JSONL file of {"user", "assistant"} examples.', metavar="FILE"),
    ] = None
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant",
            help="Name of this configuration in reports, or a YAML file with name, system_prompt and "
            "few_shot.",
            metavar="NAME|FILE.yaml",
        ),
    ] = None
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            help="LoRA adapter: a .gguf file for the embedded target, a peft folder for transformers.",
            metavar="PATH",
        ),
    ] = None
    extra_body: ExtraBodyOption = None
    revision: Annotated[
        str | None, typer.Option(help="Tells checkpoints behind one name apart.", metavar="TEXT")
    ] = None
    api_key_env: KeyEnvOption = None
    max_tokens: MaxTokensOption = None
    temperature: TemperatureOption = 0.0
    seed: SeedOption = 0
    timeout: TimeoutOption = None
    logprobs: LogprobsOption = False
    slots: SlotsOption = None
    runs: RunsOption = "runs"

    @property
    def spec(self) -> str:
        """The target spec that the options mean; a recording stands in it by its folder.

        Raises:
            InputError: They contradict each other, or there is no such recording.
        """
        if self.model is not None:
            if self.target not in {None, f"openai:{self.model}"}:
                raise InputError(
                    f"--model goes with --url; got --target {self.target!r} beside it: leave one out"
                )
            return f"openai:{self.model}"
        if self.url is not None and self.target is None:
            raise InputError("--url needs --model NAME: the model's name as the endpoint knows it")
        kind, _, run = (self.target or "embedded").partition(":")
        if kind == "replay" and run:
            return f"replay:{find_recording(run, self.runs)}"
        return self.target or "embedded"

    @property
    def longest_reply(self) -> int:
        """Tokens of the longest reply: what was said, else what suits the target."""
        from alignmeter.targets import BARE

        here = self.spec.partition(":")[0] in BARE
        return self.max_tokens or (EMBEDDED_MAX_TOKENS if here else MAX_TOKENS)

    def options(self) -> TargetOptions:
        """Read the variant's files and gather the options."""
        from alignmeter.records import Sampling
        from alignmeter.targets import TargetOptions
        from alignmeter.targets.extra_body import read_extra

        return TargetOptions(
            url=self.url,
            variant=self._variant(),
            sampling=Sampling(
                temperature=self.temperature,
                max_tokens=self.longest_reply,
                seed=self.seed,
            ),
            revision=self.revision,
            api_key_env=self.api_key_env,
            timeout=self.timeout,
            slots=self.slots,
            logprobs=self.logprobs,
            adapter=Path(self.adapter) if self.adapter else None,
            extra_body=None if self.extra_body is None else read_extra(self.extra_body),
        )

    def _variant(self) -> Variant:
        from alignmeter.targets import load_variant
        from alignmeter.targets.variants import VARIANT_SUFFIXES, read_variant

        if self.variant is not None and self.variant.endswith(VARIANT_SUFFIXES):
            if self.system_prompt is not None or self.few_shot is not None:
                raise InputError(
                    f"--variant {self.variant} brings system prompt and examples; leave --system-prompt and "
                    f"--few-shot out"
                )
            return read_variant(Path(self.variant))
        return load_variant(
            name=self.variant,
            system_prompt=Path(self.system_prompt) if self.system_prompt else None,
            few_shot=Path(self.few_shot) if self.few_shot else None,
        )


def refuse_untaken(context: typer.Context, specs: Mapping[str, str]) -> None:
    """Refuse options for which no target that is asked has a use.

    Args:
        context: Of the command.
        specs: The targets, each by what the names of the options of it alone begin with: `base_`, or
            nothing where one target is asked.

    Raises:
        InputError: One was typed; names the option, and the targets that it goes with.
    """
    from alignmeter.targets.resolve import TAKEN_BY, belongs

    untaken = dict[str, str]()
    for name, kinds in TAKEN_BY.items():
        left = {prefix: spec for prefix, spec in specs.items() if spec.partition(":")[0] not in kinds}
        untaken |= {prefix + name: belongs(name, spec) for prefix, spec in left.items()}
        if len(left) == len(specs):
            untaken[name] = belongs(name, *left.values())
    used = {one.name for one in context.command.params if one.name and one.name not in untaken}
    refuse_unused(context, used, lambda name: untaken[name])
