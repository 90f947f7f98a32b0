"""`alignmeter init`: write a threat model to start from."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, cast

import typer

from alignmeter.cli.output import JsonOption, examples, print_json, print_line
from alignmeter.cli.output_file import output_file

EXAMPLES = examples(
    "alignmeter init",
    "alignmeter init --preset medical",
    "alignmeter init --preset medical --output ward.yaml",
)

PRESETS = (
    "coding-agent",
    "customer-support",
    "finance",
    "general-assistant",
    "global-health",
    "legal",
    "medical",
)
"""Names that the help shows, written out so that it need not load the threat model."""


def init(
    *,
    preset: Annotated[
        str, typer.Option("--preset", help=f"Preset to start from: {', '.join(PRESETS)}.", metavar="NAME")
    ] = "general-assistant",
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=output_file(".yaml", ".yml"),
            help="File to write, in a folder that exists.",
            metavar="FILE.yaml",
        ),
    ] = Path("threat_model.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a threat model, with its JSON Schema beside it, for an editor to check as you type."""
    from alignmeter.errors import InputError, StorageError
    from alignmeter.threat_model import preset_text, schema_json
    from alignmeter.threat_model.schema import SCHEMA_FILE

    schema = output.with_name(SCHEMA_FILE)
    files = {schema: schema_json(), output: preset_text(preset)}
    if output.exists() and not force:
        raise InputError(
            f"{str(output)!r} exists already; name another with --output, or overwrite it with --force"
        )
    if not force and schema.exists() and not _is_schema(schema, files[schema]):
        raise InputError(
            f"{str(schema)!r}, where the schema goes, is a file of another kind; name another folder with "
            f"--output, or overwrite it with --force"
        )
    for path, text in files.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(
                f"cannot write {str(path)!r}: {error.strerror}; name a file in another folder with --output"
            ) from None
    if as_json:
        print_json({"threat_model": str(output), "schema": str(schema), "preset": preset})
        return
    named = shlex.quote(str(output))
    print_line(f"Wrote {output} (preset {preset}) and {schema}.")
    print_line("Edit it, then:")
    print_line(f"  alignmeter plan -m {named}    # what would be asked, nothing is sent")
    print_line(f"  alignmeter run -m {named}     # ask, judge, print the verdicts")


def _is_schema(path: Path, text: str) -> bool:
    """Whether a file is a schema of threat models, of this version or another."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    title = cast("dict[str, object]", found).get("title") if isinstance(found, dict) else None
    return title == json.loads(text)["title"]
