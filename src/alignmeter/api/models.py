"""Models that are asked: made from their specs, opened, and checked before anything is asked of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import BudgetSpentError, InputError, TargetUnavailableError
from alignmeter.targets import TargetOptions, probe, resolve_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AsyncExitStack

    from alignmeter.engine import Opening
    from alignmeter.targets import Target
    from alignmeter.targets.base import Ask

_ENDPOINT = "openai"


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
        self._reached = False
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
        options = self._options
        if spec.partition(":")[0] == _ENDPOINT:
            self._reached = True
        else:
            options = msgspec.structs.replace(options, url=None, extra_body=None)
        return self._kept(resolve_target(spec, options))

    def _kept(self, made: Target) -> Target:
        self.targets.append(made if self._wrap is None else self._wrap(made))
        return self.targets[-1]

    def check(self, asked: str) -> None:
        """Refuse a URL, or fields for its requests, where nothing made here is asked at one.

        Args:
            asked: What was to be made, in the user's words.

        Raises:
            InputError: There is one of the two, and no model at an endpoint.
        """
        given = {"URL": self._options.url is not None, "extra_body": bool(self._options.extra_body)}
        unused = [name for name, there in given.items() if there and not self._reached]
        if unused:
            raise InputError(
                f"{unused[0]} goes with a model openai:NAME, got none in {asked}; name one, or leave it out"
            )


async def preflight(target: Target, ask: Ask | None = None) -> None:
    """Fail before anything is written where no call to a model can succeed, and learn what it refuses.

    Args:
        target: An open model.
        ask: Makes the calls that may be billed; where it finds the budget spent, they are left out.

    Raises:
        InputError: The key is refused, or the model is unknown.
        TargetUnavailableError: The endpoint cannot be reached.
    """
    try:
        error = await probe(target, ask)
    except BudgetSpentError:
        return
    if error is None:
        return
    if error.fatal:
        raise InputError(error.message)
    if error.kind == "connection":
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
        InputError: As `preflight`.
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
        InputError: As `preflight`.
        TargetUnavailableError: As `preflight`.
    """
    opening.remind(target)
    await open_models(opened, (target,), opening.asking)
    await open_models(opened, judges, partial(opening.asking, judge=True))
