"""Models that are asked: made from their specs, opened, and checked before anything is asked of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from alignmeter.errors import BudgetSpentError, InputError, TargetUnavailableError
from alignmeter.targets import TargetOptions, probe, resolve_target
from alignmeter.targets.resolve import TAKEN_BY, goes_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AsyncExitStack

    from alignmeter.engine import Opening
    from alignmeter.targets import Target
    from alignmeter.targets.base import Ask

_CALLED = {"url": "URL", "api_key_env": "the variable of a key"}
"""What options are called that have other names where judges are meant, or the model of a translator."""


class ModelMaker:
    """Makes the models behind judges, scorers and translators, and keeps them to be opened.

    What says how an endpoint is reached goes to those that have one: one spec may name a function and a
    model at an endpoint.

    Attributes:
        targets: The models made so far.
    """

    def __init__(
        self, options: TargetOptions | None = None, wrap: Callable[[Target], Target] | None = None
    ) -> None:
        """Say how models are reached.

        Args:
            options: Of all of them.
            wrap: Put around each, for example to count its calls.
        """
        self.targets: list[Target] = []
        self._options = options or TargetOptions()
        self._wrap = wrap
        self._kinds = set[str]()
        self._taken: dict[int, Target] = {}

    def __call__(self, spec: str | Target) -> Target:
        """Make the model that a spec names, or take over one; nothing is loaded or connected yet.

        Raises:
            InputError: The spec is not understood, or a part of it is missing.
        """
        if not isinstance(spec, str):
            if id(spec) not in self._taken:
                self._taken[id(spec)] = self._kept(spec)
            return self._taken[id(spec)]
        kind = spec.partition(":")[0]
        self._kinds.add(kind)
        return self._kept(resolve_target(spec, self._options.for_kind(kind)))

    def _kept(self, made: Target) -> Target:
        self.targets.append(made if self._wrap is None else self._wrap(made))
        return self.targets[-1]

    def check(self, asked: str) -> None:
        """Refuse options, such as the URL of an endpoint, that no model made here has a use for.

        Args:
            asked: What was to be made, in the user's words.

        Raises:
            InputError: There is one.
        """
        for name in sorted(self._options.given()):
            if self._kinds.isdisjoint(TAKEN_BY[name]):
                raise InputError(
                    f"{_CALLED.get(name, name)} {goes_with(name)}, got none in {asked}; name one, or leave "
                    "it out"
                )


async def preflight(target: Target, ask: Ask | None = None) -> None:
    """Fail before anything is written where no call to a model can succeed, and learn what it refuses.

    Args:
        target: An open model.
        ask: Makes the calls that may be billed; where it finds the budget spent, they are left out.

    Raises:
        TargetUnavailableError: The endpoint cannot be reached, the key is refused or its quota spent, or
            the model is unknown.
    """
    try:
        error = await probe(target, ask)
    except BudgetSpentError:
        return
    if error is not None and (error.fatal or error.kind == "connection"):
        raise TargetUnavailableError(error.message)


async def open_models(
    opened: AsyncExitStack, models: Iterable[Target], asking: Callable[[Target], Ask] | None = None
) -> None:
    """Open models and check each before the next.

    Args:
        opened: Closes them.
        models: Each once.
        asking: The way to make calls to one that may be billed; its own `generate` by default.

    Raises:
        TargetUnavailableError: As `preflight`.
    """
    for model in models:
        await opened.enter_async_context(model)
        await preflight(model, None if asking is None else asking(model))


async def open_run(
    opened: AsyncExitStack, target: Target, judges: Iterable[Target], opening: Opening
) -> None:
    """Open the models of a run and check them, the target first.

    Raises:
        TargetUnavailableError: As `preflight`.
    """
    opening.remind(target)
    await open_models(opened, (target,), opening.asking)
    await open_models(opened, judges, partial(opening.asking, judge=True))
