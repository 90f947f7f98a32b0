"""`alignmeter serve`: the embedded model as an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from alignmeter.cli.numbers import whole
from alignmeter.cli.output import JsonOption, examples, print_json, print_line

EXAMPLES = examples("alignmeter serve --port 8080", "OPENAI_API_KEY=local alignmeter serve --port 8080")


def serve(
    *,
    port: Annotated[
        int, typer.Option(parser=whole(0, 65535), metavar="N", help="Port on loopback; 0 picks one.")
    ] = 8080,
    gguf: Annotated[
        str | None, typer.Option("--gguf", help="Another GGUF chat model.", metavar="FILE")
    ] = None,
    slots: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Conversations side by side.")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Serve the embedded model on loopback until Ctrl-C, for trying endpoints without any account.

    The key is taken from ALIGNMETER_API_KEY, else OPENAI_API_KEY, else it is `local`.
    """
    from alignmeter.targets.embedded import CONTEXT_TOKENS, EmbeddedServer, find_model

    key = os.environ.get("ALIGNMETER_API_KEY") or os.environ.get("OPENAI_API_KEY")
    path = find_model(Path(gguf) if gguf else None)
    server = EmbeddedServer(path, slots=slots, context_tokens=CONTEXT_TOKENS, port=port, key=key or "local")
    url = server.start()
    if as_json:
        print_json({"url": url, "model": path.stem})
    else:
        prefix = "" if key else "ALIGNMETER_API_KEY=local "
        print_line(f"Serving {path.name} at {url} (Ctrl-C ends it). In another terminal:\n")
        print_line(f"  {prefix}alignmeter run --url {url} --model {path.stem} --max-tokens 96")
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        del number, frame
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    stopped.wait()
    server.stop()
