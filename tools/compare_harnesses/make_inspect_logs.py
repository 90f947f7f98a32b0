"""Make the Inspect logs that the tests read: the real `inspect eval`, on an endpoint with scripted replies.

python tools/compare_harnesses/make_inspect_logs.py --out tests/integrations/data

Needs inspect-ai and openai. The questions are those beside this file; the replies are below, right and
wrong ones and one without an answer, so that the scores are known. Paths of the machine that made the logs
are taken out of them by Inspect's own reader and writer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, cast

HERE = Path(__file__).parent
MODEL = "scripted"
WRONG = 3
"""Every third question gets a wrong reply; the last one, one that holds no answer."""


def main() -> None:
    """Serve the replies, run Inspect three times, write the logs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for inspect/ and inspect_epochs/")
    out: Path = parser.parse_args().out
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for task in ("word_problems", "closed_facts"):
                _evaluate(url, task, work / "inspect")
            more = ("--epochs", "2", "--epochs-reducer", "mean", "--log-format", "json")
            _evaluate(url, "closed_facts", work / "inspect_epochs", *more)
            for name in ("inspect", "inspect_epochs"):
                _publish(work / name, out / name, url)
    finally:
        server.shutdown()


def _evaluate(url: str, task: str, logs: Path, *more: str) -> None:
    logs.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "inspect_ai", "eval", f"{HERE / 'inspect_tasks.py'}@{task}"]
    command += ["-T", f"data={(HERE / f'{task}.jsonl').resolve()}", "--model", f"openai-api/local/{MODEL}"]
    command += ["--max-connections", "1", "--log-dir", str(logs), "--display", "plain", "--no-log-realtime"]
    subprocess.run(  # noqa: S603 - the Inspect of this Python
        [*command, *more],
        check=True,
        cwd=logs,  # no repository, so that no revision of one is written down
        env={**os.environ, "LOCAL_BASE_URL": url, "LOCAL_API_KEY": "local"},
    )


def _publish(logs: Path, out: Path, url: str) -> None:
    """Write the logs again without what is of this machine: folders, the port."""
    from inspect_ai.log import EvalLog, read_eval_log, write_eval_log  # type: ignore[reportMissingImports]

    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    for path in sorted(logs.iterdir()):
        text: str = cast("Any", read_eval_log(str(path), resolve_attachments=True)).model_dump_json()
        for private, public in (
            (f"{HERE.resolve()}/", ""),
            (str(logs), "logs"),
            (url, "http://localhost/v1"),
        ):
            text = text.replace(private, public)
        log: Any = cast("Any", EvalLog).model_validate_json(text)
        log.eval.task_file = "inspect_tasks.py"
        log.eval.sandbox = None
        for sample in log.samples:
            sample.events = []
        write_eval_log(log, str(out / path.name))


class _Endpoint(BaseHTTPRequestHandler):
    """Answers chat completions as `_reply` has it."""

    asked: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        """Reply to a chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = str(body["messages"][-1]["content"])
        self.asked[question] += 1
        message = {"role": "assistant", "content": _reply(question, self.asked[question])}
        answer = {
            "id": "scripted",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's word
        """Say nothing."""


def _reply(question: str, time: int) -> str:
    """Reply to the question when it comes for the n-th time."""
    for task in ("word_problems", "closed_facts"):
        rows = [
            json.loads(line) for line in (HERE / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        for number, row in enumerate(rows, start=1):
            if question.startswith(row["question"]):
                last = number == len(rows)
                return _of(task, row["answer"], wrong=number % WRONG == 0, none=last, time=time)
    raise ValueError(question)


def _of(task: str, answer: str, *, wrong: bool, none: bool, time: int) -> str:
    if none:
        return "?" if task == "closed_facts" else "I cannot say."
    if task == "word_problems":
        return "It comes to 999.\n#### 999" if wrong else answer
    wrong = wrong != (time == _THIRD)
    return {"yes": "No.", "no": "Yes."}[answer] if wrong else f"{answer.capitalize()}."


_THIRD = 3
"""A closed question comes once without epochs, then in two; in the last one its answer is the contrary."""


if __name__ == "__main__":
    main()
