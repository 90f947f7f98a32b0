"""`alignmeter repro`: one trial as a curl command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.output import JsonOption, RunsOption, UrlOption, examples, print_json, print_line, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignmeter.records import RunManifest, TargetRecord, Transcript, Trial

EXAMPLES = examples(
    "alignmeter repro 3f9a1c",
    "alignmeter repro 3f9a1c --run latest",
    "alignmeter repro 3f9a1c --url http://localhost:8080/v1",
)

_SERVED_HERE = "http://127.0.0.1:8080/v1"


def repro(
    trial: Annotated[str, typer.Argument(help="A trial id, or its first characters.", metavar="TRIAL")],
    *,
    run: Annotated[str | None, typer.Option("--run", help="The run that holds it.", metavar="RUN")] = None,
    url: UrlOption = None,
    unmask: Annotated[bool, typer.Option("--unmask", help="Print a trial of a sequestered pool.")] = False,
    runs: RunsOption = "runs",
    as_json: JsonOption = False,
) -> None:
    """Print the curl command that asks one trial again, exactly as the run asked it.

    The key is never in it, only the name of its environment variable; fields of your own (--extra-body)
    are. System prompt and examples are not kept in the run folder, only their digests; they, an adapter
    and a revision are left to you, and a note says so.
    """
    from alignmeter.cli.locate import find_trial
    from alignmeter.errors import InputError

    found = find_trial(trial, runs, run)
    if found.trial.pool == "sequestered" and not unmask:
        raise InputError(
            f"expected a trial that may be shown, got {found.trial.id[:12]} of the sequestered pool "
            f"{found.trial.suite!r}, which answers with verdicts only; --unmask prints it all the same"
        )
    transcript = found.run.data.transcripts.get(found.trial.id)
    command, told = curl_for(found.run.manifest, found.trial, url=url, transcript=transcript)
    # A trial of one design has the same id in every run.
    newest = (
        [] if run is not None else [f"of {found.run.path}, the newest run that has it; --run names another"]
    )
    notes = [*newest, *told]
    if as_json:
        print_json({"trial": found.trial.id, "run": str(found.run.path), "command": command, "notes": notes})
        return
    for note in notes:
        tell(f"# {note}")
    print_line(command)


def curl_for(
    manifest: RunManifest, trial: Trial, *, url: str | None = None, transcript: Transcript | None = None
) -> tuple[str, list[str]]:
    """The curl command that asks a trial again, and what must be said about it.

    Args:
        manifest: Of the run that holds the trial.
        trial: The trial.
        url: Base URL to ask; default the run's own.
        transcript: What came back: it says whether the run asked for the probabilities of the tokens, and
            what the server refused.
    """
    from alignmeter.targets import Request, adaptation
    from alignmeter.targets.openai_compatible import OpenAICompatible

    fingerprint = manifest.target.fingerprint
    notes: list[str] = []
    base = url or manifest.target.url
    if base is None:
        base = _SERVED_HERE
        notes.append(_no_url(fingerprint.kind))
    notes.extend(_left_to_you(manifest.target))
    request = Request(
        messages=trial.messages,
        sampling=fingerprint.sampling,
        trial=trial.id,
        tools=trial.tools,
        constraint=trial.constraint,
        logprobs=transcript is not None and bool(transcript.logprobs),
    )
    target = OpenAICompatible(
        base, fingerprint.model, sampling=fingerprint.sampling, extra_body=manifest.target.extra_body
    )
    if transcript is not None and transcript.refused:
        target.learn(transcript.refused)
        left = ", ".join(map(adaptation, transcript.refused))
        notes.append(f"the server refused parameters, and this is the request that it took: {left}")
    return target.curl_command(request), notes


def _left_to_you(target: TargetRecord) -> Iterator[str]:
    """What made the replies what they are and no request of a trial can hold."""
    fingerprint = target.fingerprint
    if fingerprint.system_prompt or fingerprint.few_shot:
        yield "the run put a system prompt or examples first; only their digests are kept, add them yourself"
    if fingerprint.extra and not target.extra_body:
        yield (
            "the run added fields of its own to every request (extra_body); only their digest is kept, add "
            "them yourself"
        )
    if fingerprint.adapter:
        yield f"the run asked the model with the adapter {fingerprint.adapter[:12]}; serve it with that one"
    if fingerprint.revision:
        yield f"the run asked revision {fingerprint.revision!r} of the model; serve that one"


def _no_url(kind: str) -> str:
    if kind == "embedded":
        return "this run asked the embedded model; `alignmeter serve --port 8080` serves it at this address"
    return f"this run asked a {kind} target, which has no URL; --url names an endpoint to ask instead"
