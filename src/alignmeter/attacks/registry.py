"""The registry of attacks, by name: the built-in ones, a user's own, and those of plugins."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from alignmeter.attacks.base import PLAIN, SEPARATOR, Attack
from alignmeter.attacks.composition import compose, split_name
from alignmeter.attacks.plugins import load_plugins
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.attacks.base import Transform
    from alignmeter.records import AttackPool

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_registry: dict[str, Attack] = {}


def attack(
    name: str,
    *,
    attack_class: str,
    reference: str,
    pool: AttackPool = "public",
    latin_only: bool = False,
) -> Callable[[Transform], Transform]:
    """Register a transform under a name, with the publication that describes it.

    Args:
        name: Lower case, digits and underscores; `plain` is taken.
        attack_class: What results are counted under, of the same form; the name itself where the
            attack is of no class that exists.
        reference: Where it was published, or who wrote it.
        pool: `held_out` where nobody is known to train against it.
        latin_only: It changes Latin letters only; requests in other scripts are not drawn for it.

    Raises:
        InputError: The name is not of this form, or another transform has it.

    Examples:
        >>> from alignmeter.attacks import attack, get_attack
        >>> from alignmeter.records import Message
        >>> @attack("politely", attack_class="politely", reference="ours")
        ... def politely(request, *, seed, context):
        ...     "Say please."
        ...     return (Message(role="user", content=f"Please! {request}"),)
        >>> get_attack("politely | rot13").attack_class
        'politely+encoding'
    """
    for given in (name, attack_class):
        if not _NAME.fullmatch(given) or given == PLAIN:
            raise InputError(f"expected a lower-case name of an attack such as my_attack, got {given!r}")

    def register(transform: Transform) -> Transform:
        known = _registry.get(name)
        if known is not None and _where(known.transform) != _where(transform):
            raise InputError(
                f"attack {name!r} is registered twice, by {_where(known.transform)} and "
                f"{_where(transform)}; rename one of them"
            )
        summary = " ".join((transform.__doc__ or "").strip().partition("\n\n")[0].split())
        _registry[name] = Attack(name, attack_class, reference, transform, pool, latin_only, summary)
        return transform

    return register


def _where(transform: Transform) -> str:
    module = getattr(transform, "__module__", "")
    return f"{module}.{getattr(transform, '__qualname__', type(transform).__qualname__)}"


def attack_names() -> tuple[str, ...]:
    """Names of all attacks, plugins included, sorted; `plain` and compositions are not among them.

    Raises:
        InputError: A plugin cannot be loaded.
    """
    load_plugins()
    return tuple(sorted(_registry))


def get_attack(name: str) -> Attack:
    """Return an attack by its name, or the composition that a name such as `roleplay | base64` tells.

    Raises:
        InputError: There is none of that name; names the nearest. Or a plugin cannot be loaded.
    """
    parts = [_find(part, name) for part in split_name(name)]
    return parts[0] if len(parts) == 1 else compose(parts)


def _find(name: str, whole: str) -> Attack:
    if name not in _registry:
        load_plugins()
    try:
        return _registry[name]
    except KeyError:
        near = difflib.get_close_matches(name.replace("-", "_"), _registry, n=1)
        hint = f"; nearest: {near[0]!r}" if near else f"; known: {', '.join(sorted(_registry))}"
        within = f" in {whole!r}" if SEPARATOR.strip() in whole else ""
        raise InputError(f"unknown attack {name!r}{within}{hint}; see `alignmeter attacks list`") from None
