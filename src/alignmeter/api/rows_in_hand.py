"""A translation in hand: its finished rows and what it has cost, a line each, until the suite is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.engine import Before, Costs, Work
from alignmeter.errors import StorageError
from alignmeter.records import Record, Usage
from alignmeter.store import Heard
from alignmeter.suites.drift import RoundTrip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from alignmeter.engine.spending import Spent
    from alignmeter.records import Probe


class _Line(Record, frozen=True):
    """One line: a row that is finished, or what it costs at the most before it is.

    Attributes:
        id: Of the row; empty for the calls before the first.
        trip: None where it is not finished; then `calls`, `tokens` and `heard` are as of `Before`.
    """

    id: str
    version: int = 0
    model: str = ""
    trip: RoundTrip | None = None
    calls: int = 0
    tokens: Usage = Usage()
    heard: tuple[Heard, ...] = ()


class RowsInHand:
    """The file of one translation.

    Args:
        path: Where it lies, or is to.
        models: Names of the models, whose rows alone are taken.
        work: What may be spent; it is told by `read` what was spent before.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, models: str, work: Work) -> None:
        self.path = path
        self._models = models
        self._work = work
        self._costs = Costs[str](work, {}, self._charged)

    def read(self, probes: Sequence[Probe]) -> dict[str, RoundTrip]:
        """What was translated before, by the same models, of the rows as they are now."""
        wanted = {probe.id: probe for probe in probes}
        found: dict[str, RoundTrip] = {}
        spent: dict[tuple[str, str], Before] = {}
        for line in self._lines():
            known = spent.get((line.model, line.id), Before())
            spent[line.model, line.id] = Before(line.calls, line.tokens, line.heard or known.heard)
            probe = wanted.get(line.id)
            if line.trip is None or probe is None or line.model != self._models:
                continue
            if line.trip.original == probe.prompt:
                found[line.id] = line.trip
        ours = {name: before for (models, name), before in spent.items() if models == self._models}
        self._work.carry(before for (models, _), before in spent.items() if models != self._models)
        self._costs = Costs(self._work, ours, self._charged)
        return found

    def counting(self, probe: Probe | None = None) -> AbstractContextManager[Spent]:
        """Count the calls for one row, or without one those before the first."""
        return self._costs.counting("" if probe is None else probe.id)

    def write(self, probe: Probe, trip: RoundTrip, spent: Spent) -> None:
        """Keep one row, and what it cost.

        Raises:
            StorageError: The disk is full or gone.
        """
        self._append(
            _Line(
                id=probe.id,
                version=probe.version,
                model=self._models,
                trip=trip,
                calls=spent.calls,
                tokens=spent.usage,
            )
        )

    def _charged(self, name: str, calls: int, most: Usage, heard: tuple[Heard, ...]) -> None:
        self._append(_Line(id=name, model=self._models, calls=calls, tokens=most, heard=heard))

    def _lines(self) -> Iterable[_Line]:
        try:
            lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from None
        for line in lines:
            try:
                yield msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:
                continue  # torn by a crash: asked again

    def _append(self, line: _Line) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror}; free space there") from None
