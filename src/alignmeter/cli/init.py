"""`alignmeter init`: write a threat model to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from alignmeter.cli.output import JsonOption, examples, print_json, print_line

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
        str, typer.Option("--output", "-o", help="File to write.", metavar="FILE")
    ] = "threat_model.yaml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a threat model, with its JSON Schema beside it, for an editor to check as you type."""
    from alignmeter.errors import InputError, StorageError
    from alignmeter.threat_model import preset_text, schema_json

    path = Path(output)
    schema = path.with_name("threat_model.schema.json")
    text = preset_text(preset)
    if path.is_dir():
        raise InputError(f"{output!r} is a folder; name a file in it with --output")
    if path.exists() and not force:
        raise InputError(
            f"{output!r} exists already; name another with --output, or overwrite it with --force"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        schema.write_text(schema_json(), encoding="utf-8")
    except OSError as error:
        reason = "a file is in the way" if isinstance(error, FileExistsError) else error.strerror
        raise StorageError(
            f"cannot write {output!r}: {reason}; name a writable place with --output"
        ) from None
    if as_json:
        print_json({"threat_model": str(path), "schema": str(schema), "preset": preset})
        return
    named = shlex.quote(str(path))
    print_line(f"Wrote {path} (preset {preset}) and {schema}.")
    print_line("Edit it, then:")
    print_line(f"  alignmeter plan -m {named}    # what would be asked, nothing is sent")
    print_line(f"  alignmeter run -m {named}     # ask, judge, print the verdicts")
