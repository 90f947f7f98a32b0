"""What the options of `alignmeter tax` say: sources by variant, labels, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from alignmeter.cli.locate import find_run
from alignmeter.cli.output import nearest
from alignmeter.errors import InputError
from alignmeter.files import read_text
from alignmeter.records import VariantLabels, VariantScope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.api.tax_sources import Source
    from alignmeter.records import TaxReport

_SCOPES: tuple[VariantScope, ...] = get_args(VariantScope)
_FORM = "NAME=method:dpo,scope:broad"
_BASE = "base"


class Reading(NamedTuple):
    """How sources are found and read.

    Attributes:
        models: The model to read of files that hold several, by the name of the variant; `base` is that
            of the base model.
        domains: Those that are compared; empty: all.
    """

    runs: str = "runs"
    judge: str | None = None
    format: str | None = None
    metrics: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    models: Mapping[str, str] = {}
    domains: tuple[str, ...] = ()
    maximum: float | None = None


class _Named(NamedTuple):
    """A source and the name that stands before it, if one does."""

    name: str | None
    path: str


class _ByName(NamedTuple):
    """Sources by the name of their variant, and the names of variants by that of their run folder."""

    sources: Mapping[str, Sequence[Source]]
    folders: Mapping[str, str]


class _Listed(NamedTuple):
    """What a file of variants holds."""

    base: list[str]
    sources: dict[str, list[str]]
    labels: dict[str, VariantLabels]


def compared(  # noqa: PLR0913 - the options of the command
    base: Sequence[str],
    aligned: Sequence[str],
    *,
    variants: str | None,
    labels: Sequence[str],
    limits: Sequence[str],
    gate: bool,
    prompts: Literal["same", "any"],
    items: Literal["all", "shared"],
    reading: Reading,
) -> TaxReport:
    """Read what the options name and compute the tax.

    Raises:
        InputError: An option or a source is not usable.
    """
    from alignmeter.api import tax

    listed = read_variants(Path(variants)) if variants is not None else _Listed([], {}, {})
    known = {**listed.labels, **_labels(labels)}
    standard, by_domain = read_limits(limits)
    named_base = [_named(text) for text in [*base, *listed.base]]
    if not named_base:
        raise InputError("expected the base model, got none; name its run or results file with --base")
    opened = [_opened(one.path, reading, _BASE) for one in named_base]
    sources, folders = _by_name(aligned, listed, reading)
    if not sources:
        raise InputError("expected at least one aligned variant, got none; name it with --aligned")
    _check_used(reading, opened, sources)
    # A label may call a variant by its run folder, which is what its user typed.
    known = {name if name in sources else folders.get(name, name): label for name, label in known.items()}
    return tax(
        opened,
        sources,
        labels=known,
        limit=standard,
        limits=by_domain,
        gate=gate,
        prompts=prompts,
        items=items,
        domains=reading.domains,
    )


def of_table(path: str, limits: Sequence[str], *, gate: bool) -> TaxReport:
    """Compute the tax of a table of mean scores.

    Args:
        path: The table.
        limits: As `--limit` gives them.
        gate: As `--gate`.

    Raises:
        InputError: A limit or the table is not usable.
    """
    from alignmeter.api import tax_scores

    standard, by_domain = read_limits(limits)
    return tax_scores(Path(path), limit=standard, limits=by_domain, gate=gate)


def read_limits(texts: Iterable[str]) -> tuple[float | None, dict[str, float]]:
    """Return the limit of all domains, None where not given, and those of single ones.

    Raises:
        InputError: One is no share above 0 and below 1.
    """
    standard, by_domain = None, dict[str, float]()
    for text in texts:
        domain, equals, share = text.rpartition("=")
        value = _share(share)
        if value is None or (equals and not domain):
            raise InputError(f"expected --limit as 10%, 0.1 or DOMAIN=20%, got {text!r}; correct it")
        if equals:
            by_domain[domain] = value
        else:
            standard = value
    return standard, by_domain


def read_models(texts: Iterable[str]) -> dict[str, str]:
    """Return the model to read by the name of its variant, from `NAME=MODEL`.

    Raises:
        InputError: One has no name or no model, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, model = text.partition("=")
        if not equals or not name or not model or name in found:
            raise InputError(
                f"expected --model NAME=MODEL, once for each variant ({_BASE} for the base model), got "
                f"{text!r}; correct it"
            )
        found[name] = model
    return found


def read_variants(path: Path) -> _Listed:
    """Read a YAML file of variants: `base` (a source or a list) and `variants` by name.

    Raises:
        InputError: The file is missing, no YAML, or not as expected; names the key.
    """
    import yaml

    try:
        document: object = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise InputError(f"{path}: expected YAML, got what it is not: {said}") from None
    top = _mapping(path, "the file", document, ("base", "variants"))
    variants = top.get("variants")
    if not isinstance(variants, dict) or not variants:
        raise InputError(f"{path}: expected variants by name under `variants`, got {variants!r}; add them")
    sources: dict[str, list[str]] = {}
    labels: dict[str, VariantLabels] = {}
    for name, value in cast("dict[object, object]", variants).items():
        entry = _mapping(path, f"variant {name!r}", value, ("sources", "method", "scope"))
        given = _texts(path, f"sources of {name!r}", entry.get("sources", []))
        if given:
            sources[str(name)] = given
        labels[str(name)] = _label(f"{path}: variant {name!r}", entry.get("method"), entry.get("scope"))
    return _Listed(_texts(path, "base", top.get("base", [])), sources, labels)


def _mapping(path: Path, what: str, value: object, keys: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected {what} to hold {', '.join(keys)}, got {value!r}; correct it")
    found = cast("dict[str, Any]", value)
    for key in found:
        if key not in keys:
            raise InputError(
                f"{path}: expected a key of {what} from {', '.join(keys)}, got {key!r}"
                f"{nearest(str(key), keys)}; correct it"
            )
    return found


def _texts(path: Path, what: str, value: object) -> list[str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in cast("list[object]", listed)):
        raise InputError(
            f"{path}: expected {what} to be a path or a list of paths, got {value!r}; correct it"
        )
    return cast("list[str]", listed)


def _labels(texts: Iterable[str]) -> dict[str, VariantLabels]:
    found: dict[str, VariantLabels] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        pairs = [part.partition(":") for part in rest.split(",")]
        values = {key.strip(): value.strip() for key, _, value in pairs}
        if not name or not equals or not set(values) <= {"method", "scope"} or not all(values.values()):
            raise InputError(f"expected --label {_FORM}, got {text!r}; correct it")
        found[name] = _label(f"--label {text!r}", values.get("method"), values.get("scope"))
    return found


def _label(where: str, method: object, scope: object) -> VariantLabels:
    if method is not None and not (isinstance(method, str) and method.strip()):
        raise InputError(f"{where}: expected a method such as rlhf, dpo, cai or sft, got {method!r}")
    if scope is not None and scope not in _SCOPES:
        raise InputError(f"{where}: expected scope {' or '.join(_SCOPES)}, got {scope!r}; correct it")
    return VariantLabels(
        method=method.strip().lower() if isinstance(method, str) else None,
        scope=scope,
        source="given" if method is not None else "none",
    )


def _by_name(texts: Sequence[str], listed: _Listed, reading: Reading) -> _ByName:
    """Put the sources of each variant together; what has no name is called by what it holds."""
    named = [_named(text) for text in texts]
    named += [_Named(name, path) for name, paths in listed.sources.items() for path in paths]
    opened = _once([(one, _opened(one.path, reading, one.name)) for one in named])
    called = [_called(source) for one, source in opened if one.name is None]
    found: dict[str, list[Source]] = {}
    origins: dict[str, str] = {}
    folders: dict[str, str] = {}
    for one, source in opened:
        own, folder = _called(source), _folder(source)
        name = one.name or (folder if folder is not None and called.count(own) > 1 else own)
        if one.name is None and name in found:
            raise InputError(
                f"expected variants of different names, got {name!r} from {one.path!r} and "
                f"{origins[name]!r}; name them (NAME=SOURCE)"
            )
        found.setdefault(name, []).append(source)
        origins.setdefault(name, one.path)
        if folder is not None:
            folders.setdefault(folder, name)
    return _ByName(found, folders)


def _once(opened: list[tuple[_Named, Source]]) -> list[tuple[_Named, Source]]:
    """Leave out a source without a name that also stands under one, in a file of variants for example."""
    named = [_place(one, source) for one, source in opened if one.name is not None]
    return [
        (one, source) for one, source in opened if one.name is not None or _place(one, source) not in named
    ]


def _place(one: _Named, source: Source) -> Path:
    """Where a source lies, however it was named."""
    from alignmeter.api import Run

    return (source.path if isinstance(source, Run) else Path(one.path)).resolve()


def _check_used(reading: Reading, base: Sequence[Source], variants: Mapping[str, Sequence[Source]]) -> None:
    """Refuse options that no source has a use for.

    Raises:
        InputError: Names the option.
    """
    from alignmeter.api import Run

    results = {
        name: any(not isinstance(source, Run) for source in sources)
        for name, sources in {**variants, _BASE: base}.items()
    }
    for name in reading.models:
        if not results.get(name, False):
            there = ", ".join(one for one, has in results.items() if has) or "none"
            raise InputError(
                f"expected --model with the NAME of what is read from results, {_BASE} for the base model "
                f"({there}), got {name!r}; name the variant (NAME=SOURCE)"
            )
    options = {
        "--format": reading.format,
        "--metric": reading.metrics,
        "--filter": reading.filters,
        "--max": reading.maximum,
    }
    for option, value in options.items():
        if value and not any(results.values()):
            raise InputError(f"expected results for {option} to choose from, got runs alone; leave it out")
    every = (*base, *(source for sources in variants.values() for source in sources))
    if reading.judge is not None and not any(isinstance(source, Run) for source in every):
        raise InputError("expected runs for --judge to be read by, got results alone; leave it out")


def _folder(source: Source) -> str | None:
    from alignmeter.api import Run

    return source.path.name if isinstance(source, Run) else None


def _called(source: Source) -> str:
    from alignmeter.api import Run
    from alignmeter.records import ItemScores

    if isinstance(source, Run):
        return source.manifest.target.name
    return source.model if isinstance(source, ItemScores) else str(source)


def _named(text: str) -> _Named:
    """Tell a name from a path: what exists as it stands is a path."""
    name, equals, path = text.partition("=")
    if equals and name and path and not Path(text).exists():
        return _Named(name, path)
    return _Named(None, text)


def _opened(path: str, reading: Reading, name: str | None) -> Source:
    """Read a run, or the results of another harness, which only this floor may do."""
    from alignmeter.api import load_run, under_judge

    place = Path(path)
    if place.exists() and not (place / "run.json").is_file():
        from alignmeter.integrations import ReadOptions, read_item_scores

        model = None if name is None else reading.models.get(name)
        options = ReadOptions(
            metrics=reading.metrics, filters=reading.filters, model=model, maximum=reading.maximum
        )
        return read_item_scores(place, format=reading.format, options=options)
    found = find_run(path, reading.runs)
    return load_run(found) if reading.judge is None else under_judge(found, reading.judge)


def _share(text: str) -> float | None:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    return value if 0 < value < 1 else None
