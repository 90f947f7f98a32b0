"""`alignmeter run`: the main job, from a target to its verdicts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.judge_options import (
    JudgeKeyEnvOption,
    JudgeSelfOption,
    JudgesOption,
    JudgeUrlOption,
    judge_choice,
)
from alignmeter.cli.numbers import real, whole
from alignmeter.cli.output import (
    JsonOption,
    ModelOption,
    RunsOption,
    ThreatModelOption,
    UrlOption,
    console,
    examples,
    print_json,
    print_line,
)
from alignmeter.cli.target_options import (
    AdapterOption,
    ExtraBodyOption,
    FewShotOption,
    KeyEnvOption,
    SameSystemOption,
    SystemPromptOption,
    TargetChoice,
    TargetOption,
    VariantOption,
)

if TYPE_CHECKING:
    from alignmeter.api import Run, RunRequest

EXAMPLES = examples(
    "alignmeter run",
    "alignmeter run --url http://localhost:8000/v1 --model my-model",
    "alignmeter run --url http://localhost:8000/v1 --model my-model --smoke",
    "alignmeter run -m threat_model.yaml -t openai:gpt-x --budget-calls 500",
    "alignmeter run -t python:my_bot:answer --few-shot guard.jsonl",
    "alignmeter run -t openai:gpt-x --judge llm:harm@openai:gpt-y",
)


def run(  # noqa: PLR0913 - a command line's options
    *,
    target: TargetOption = None,
    url: UrlOption = None,
    model: ModelOption = None,
    threat_model: ThreatModelOption = None,
    system_prompt: SystemPromptOption = None,
    few_shot: FewShotOption = None,
    variant: VariantOption = None,
    adapter: AdapterOption = None,
    extra_body: ExtraBodyOption = None,
    revision: Annotated[
        str | None, typer.Option(help="Tells checkpoints behind one name apart.", metavar="TEXT")
    ] = None,
    api_key_env: KeyEnvOption = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(parser=whole(1), metavar="N", help="Longest reply; default 512, embedded 96."),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(parser=real(), metavar="X", help="Sampling temperature, where the endpoint takes one."),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Sampling seed, where the endpoint takes one.")
    ] = 0,
    timeout: Annotated[
        float | None, typer.Option(parser=real(exclusive=True), metavar="S", help="Seconds for one call.")
    ] = None,
    logprobs: Annotated[
        bool,
        typer.Option("--logprobs", help="Ask for token probabilities: how sure closed answers are."),
    ] = False,
    slots: Annotated[
        int | None, typer.Option(parser=whole(1), metavar="N", help="Parallel slots of the embedded model.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            parser=whole(1), metavar="N", help="Calls in flight from the start; default: adapts, 8 to 64."
        ),
    ] = None,
    rpm: Annotated[
        float | None,
        typer.Option(parser=real(exclusive=True), metavar="X", help="Requests a minute at the most."),
    ] = None,
    tpm: Annotated[
        float | None, typer.Option(parser=real(1.0), metavar="X", help="Tokens a minute at the most.")
    ] = None,
    max_attempts: Annotated[
        int, typer.Option(parser=whole(1), metavar="N", help="Calls for one trial, retries included.")
    ] = 5,
    trial_timeout: Annotated[
        float,
        typer.Option(
            parser=real(exclusive=True), metavar="S", help="Seconds for one trial, retries included."
        ),
    ] = 900.0,
    budget_calls: Annotated[
        int | None,
        typer.Option(parser=whole(1), metavar="N", help="Stop after so many calls, over all resumes."),
    ] = None,
    budget_tokens: Annotated[
        int | None, typer.Option(parser=whole(1), metavar="N", help="Stop before so many tokens.")
    ] = None,
    budget_money: Annotated[
        float | None,
        typer.Option(parser=real(), metavar="X", help="Stop before so much money; needs prices."),
    ] = None,
    price_prompt: Annotated[
        float, typer.Option(parser=real(), metavar="X", help="Price of a million prompt tokens.")
    ] = 0.0,
    price_completion: Annotated[
        float, typer.Option(parser=real(), metavar="X", help="Price of a million completion tokens.")
    ] = 0.0,
    judge: JudgesOption = None,
    judge_url: JudgeUrlOption = None,
    judge_key_env: JudgeKeyEnvOption = None,
    judge_self: JudgeSelfOption = False,
    price_judge_prompt: Annotated[
        float | None,
        typer.Option(parser=real(), metavar="X", help="The same for judges; default: as the target."),
    ] = None,
    price_judge_completion: Annotated[
        float | None,
        typer.Option(parser=real(), metavar="X", help="The same for judges; default: as the target."),
    ] = None,
    runs: RunsOption = "runs",
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run folder; resumes it if it is there.", metavar="NAME"),
    ] = None,
    resume: Annotated[str | None, typer.Option(help="A run folder to go on with.", metavar="RUN")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not resume an unfinished run.")] = False,
    same_system: SameSystemOption = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="Ask 20 trials; no verdicts.")] = False,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Ask every trial; do not stop when a claim is decided.")
    ] = False,
    force_sequestered: Annotated[
        bool,
        typer.Option(
            "--force-sequestered", help="Show a sequestered pool to a remote model; the ledger says so."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the verdicts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a target against a threat model and print verdicts with error bars.

    Each claim stops asking as soon as it is decided; `--fixed` asks everything. Without options the
    embedded model is asked, which needs no key and no network. The same command
    started again resumes an unfinished run. Writes `report.html` into the run folder and exits with
    the code of the verdicts.
    """
    from alignmeter.api import RunRequest
    from alignmeter.cli.locate import find_run
    from alignmeter.engine import EngineOptions, Limits, Prices, RetryPolicy
    from alignmeter.errors import InputError

    if budget_money is not None and not (price_prompt or price_completion):
        raise InputError(
            "--budget-money needs --price-prompt and --price-completion (money a million tokens)"
        )
    choice = TargetChoice(
        target=target,
        url=url,
        model=model,
        system_prompt=system_prompt,
        few_shot=few_shot,
        variant=variant,
        revision=revision,
        api_key_env=api_key_env,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        timeout=timeout,
        slots=slots,
        logprobs=logprobs,
        adapter=adapter,
        extra_body=extra_body,
        runs=runs,
    )
    request = RunRequest(
        target=choice.spec,
        target_options=choice.options(),
        engine=EngineOptions(
            concurrency=concurrency,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            limits=Limits(calls=budget_calls, tokens=budget_tokens, money=budget_money),
            prices=Prices(prompt=price_prompt, completion=price_completion),
            judge_prices=None
            if price_judge_prompt is None and price_judge_completion is None
            else Prices(prompt=price_judge_prompt or 0.0, completion=price_judge_completion or 0.0),
            retry=RetryPolicy(attempts=max_attempts, trial_timeout=trial_timeout),
        ),
        threat_model=None if threat_model is None else Path(threat_model),
        runs=Path(runs),
        name=name,
        resume=None if resume is None else find_run(resume, runs),
        fresh=fresh,
        same_system=same_system,
        smoke=smoke,
        fixed=fixed,
        judges=judge_choice(judge, judge_url, judge_key_env, allow_self=judge_self),
        force_sequestered=force_sequestered,
    )
    done = execute(request, quiet=quiet, as_json=as_json)
    if as_json:
        print_json(as_dict(done))
    else:
        render(done)
    raise typer.Exit(done.exit_code)


def execute(request: RunRequest, *, quiet: bool, as_json: bool) -> Run:
    """Run a request under the display that fits, and write its report."""
    import msgspec

    from alignmeter.api import run as run_request
    from alignmeter.api import unwritten
    from alignmeter.cli.progress import choose_progress
    from alignmeter.errors import StorageError
    from alignmeter.report import write_report

    with choose_progress(quiet=quiet, as_json=as_json) as progress:
        done = run_request(request, progress=progress)
        if wrote_report(done):
            try:
                write_report(done.path, done.manifest, done.data, done.results)
            except StorageError as error:
                done = msgspec.structs.replace(done, stopped=unwritten(done.path, done.stopped, error))
    return done


def wrote_report(done: Run) -> bool:
    """Whether the run has a report: not where the disk failed, whose next start writes it."""
    return done.stopped is None or done.stopped.reason != "storage"


def as_dict(done: Run) -> dict[str, object]:
    """The run as `--json` prints it."""
    return {
        "run": str(done.path),
        "report": str(done.path / "report.html") if wrote_report(done) else None,
        "exit_code": done.exit_code,
        "stopped": done.stopped,
        "resumed_trials": done.resumed,
        "target": done.manifest.target,
        "results": done.results,
    }


def render(done: Run) -> None:
    """Print the verdicts, why the run stopped, and where its report lies."""
    from alignmeter.report import render_verdicts
    from alignmeter.report.text import one_line

    out = console()
    out.print(render_verdicts(done.manifest, done.results, width=out.width))
    if done.results.errors:
        kinds = ", ".join(f"{count} {kind}" for kind, count in done.results.errors.items())
        last = next(t.error for t in reversed(done.data.transcripts.values()) if t.error is not None)
        out.print(f"\nErrors of the target: {kinds}; the last: {one_line(last.message, 300)}", markup=False)
    stopped = done.stopped
    if stopped is not None and stopped.reason != "complete":
        reason = stopped.reason.replace("_", " ")
        console(stderr=True).print(f"\nstopped ({reason}): {stopped.detail}", markup=False)
        if wrote_report(done):  # a failed disk has said this already
            console(stderr=True).print("What was finished is kept; start the same command again to resume.")
    print_line("")
    print_line(f"Run folder  {done.path}")
    if wrote_report(done):
        print_line(f"Report      {done.path / 'report.html'}")
    if done.exit_code != done.results.exit_code:
        print_line(f"Exit code   {done.exit_code}, for the reason it stopped")
    elif done.results.verdicts:
        print_line(f"Trials      alignmeter show {shlex.quote(str(done.path))} --bad")
