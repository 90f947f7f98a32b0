"""Run the same items through lm-evaluation-harness and Inspect, and check what Alignmeter reads of it.

python tools/compare_harnesses/compare.py --data ../shared/data/gsm8k/test.jsonl --limit 12 --out DIR

Both harnesses are asked by their own command lines for the embedded model behind one endpoint, which this
script serves and stops. See README.md beside this file for what has to be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from alignmeter.integrations import ReadOptions, read_item_scores
from alignmeter.integrations.base import mean_by_domain
from alignmeter.targets.embedded import CONTEXT_TOKENS, EmbeddedServer, find_model

HERE = Path(__file__).parent
KEY = "local"
TASKS = ("word_problems", "closed_facts")


class Endpoint(NamedTuple):
    """Where the model is asked, and under which name."""

    url: str
    model: str


def main() -> int:
    """Run both harnesses, read both results, print the means beside the printed scores."""
    options = _options()
    data = _first_items(options.data, options.limit, options.out)
    path = find_model(None)
    server = EmbeddedServer(path, slots=1, context_tokens=CONTEXT_TOKENS, port=0, key=KEY)
    endpoint = Endpoint(server.start(), path.stem)
    try:
        lm_eval(endpoint, options.task, data, options.out / "lm_eval", options.python)
        inspect(endpoint, options.task, data, options.out / "inspect", options.python)
    finally:
        server.stop()
    return compare(options.out, options.task)


def lm_eval(endpoint: Endpoint, task: str, data: Path, out: Path, python: str) -> None:
    """Ask through `lm_eval run`."""
    definition = (HERE / f"{task}.yaml").read_text(encoding="utf-8").replace("DATA_FILE", str(data.resolve()))
    folder = out / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{task}.yaml").write_text(definition, encoding="utf-8")
    arguments = (
        f"model={endpoint.model},base_url={endpoint.url}/chat/completions,num_concurrent=1,max_retries=1,"
        "tokenizer_backend=None,tokenized_requests=False"
    )
    command = [python, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args", arguments]
    command += ["--tasks", task, "--include_path", str(folder), "--apply_chat_template"]
    command += ["--log_samples", "--output_path", str(out)]
    _run(command, {"OPENAI_API_KEY": KEY, "HF_HUB_OFFLINE": "1", "HF_HOME": str(out / "cache")})
    shutil.rmtree(out / "cache", ignore_errors=True)
    shutil.rmtree(folder)


def inspect(endpoint: Endpoint, task: str, data: Path, out: Path, python: str) -> None:
    """Ask through `inspect eval`."""
    out.mkdir(parents=True, exist_ok=True)
    command = [python, "-m", "inspect_ai", "eval", f"{HERE / 'inspect_tasks.py'}@{task}"]
    command += ["-T", f"data={data.resolve()}", "--model", f"openai-api/local/{endpoint.model}"]
    command += ["--max-connections", "1", "--log-dir", str(out), "--display", "plain", "--no-log-realtime"]
    _run(command, {"LOCAL_BASE_URL": endpoint.url, "LOCAL_API_KEY": KEY})


def compare(out: Path, task: str) -> int:
    """Print each source's own score beside the mean of the items that were read; 1 where they differ."""
    filters = ("strict-match", "flexible-extract") if task == "word_problems" else ("first-word",)
    read = [
        (f"lm-eval {name}", read_item_scores(out / "lm_eval", options=ReadOptions(filters=(name,))))
        for name in filters
    ]
    read.append(("Inspect", read_item_scores(out / "inspect")))
    differ = 0
    for name, scores in read:
        means = mean_by_domain(scores.items)
        for domain, reported in scores.reported.items():
            same = abs(means[domain] - reported) < 1e-9
            differ += not same
            word = "the same" if same else "DIFFERENT"
            print(
                f"{name:26} {domain:12} {len(scores.items):4} items  printed {reported:.6f}  "
                f"read {means[domain]:.6f}  {word}"
            )
    return 1 if differ else 0


def _first_items(data: Path, limit: int, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    lines = data.read_text(encoding="utf-8").splitlines()[:limit]
    for line in lines:
        json.loads(line)
    chosen = out / "items.jsonl"
    chosen.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return chosen


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(  # noqa: S603 - the harnesses of the Python that was named
        command,
        check=True,
        env={**os.environ, **environment},
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="JSONL with question and answer")
    parser.add_argument("--task", choices=TASKS, default="word_problems")
    parser.add_argument("--limit", type=int, default=12, help="the first so many items")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--python", default=sys.executable, help="Python that has lm_eval and inspect_ai")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
