"""Judgements of labelled replies, one JSON line each, append-only: what validating a judge has paid for.

What was judged is known by its digest, and of a result the words are left out, so that no request and no
reply stands in the file. A line before each call says what a judgement costs at the most; where a budget or
the user ended one halfway, a line holds what the judge's models have answered for it. One process at a time
holds a file; see `alignmeter.store.lines` for torn and corrupt lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import JudgementResult, Record, Unscored, Usage
from alignmeter.store.journal import Heard
from alignmeter.store.lines import KeptLines, LineFile

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "alignmeter-judgements"
"""Where judgements are kept in the working directory, a file a judge."""
_DIGITS = 16
"""Of a judge's hash in the name of its file; as many as the commands print."""
_WORDS = ("evidence", "detail", "category")
"""Fields of results that may quote a reply; no figure of a judge rests on them."""


class KeptJudgement(Record, frozen=True):
    """What a judge said of one thing, or what that costs at the most before it is said.

    Attributes:
        judge: Hash of the judge; `name` is how it was called.
        asked: Digest of what was judged; empty for the calls before the first judgement.
        result: What it said, without words; None where it has not said anything yet.
        calls, tokens: What it cost, over all processes since the beginning or since a line that began afresh.
        heard: What models have answered so far for a judgement that was ended halfway.
        afresh: This judge begins anew: what stands before this line does not count.
    """

    judge: str
    name: str
    asked: str = ""
    result: JudgementResult | None = None
    calls: int = 0
    tokens: Usage = Usage()
    heard: tuple[Heard, ...] = ()
    afresh: bool = False


def _corrupt(path: Path, number: int, _: bytes, error: Exception) -> InputError:
    return InputError(
        f"{path}:{number}: expected a judgement as `alignmeter judge validate` keeps it, got {error}; take "
        "the line out, or name another file with `judgements=`"
    )


def _unwritable(path: Path, error: OSError) -> str:
    return f"cannot write {str(path)!r}: {error.strerror}; name another file with `judgements=`"


_JUDGEMENTS = LineFile[KeptJudgement](
    decoder=msgspec.json.Decoder(KeptJudgement),
    unreadable=lambda path, error: InputError(
        f"expected a file of judgements, got {str(path)!r}: {error.strerror}; name another file with "
        "`judgements=`"
    ),
    corrupt=_corrupt,
    held=lambda path: InputError(
        f"another alignmeter process keeps its judgements in {str(path)!r}; wait for it, or name another "
        "file with `judgements=`"
    ),
    unwritable=_unwritable,
    begins=b'{"judge":"',
)


def kept_judgements_path(judge: str) -> Path:
    """Return the file of a judge's judgements in the working directory, there or not.

    Args:
        judge: Its hash.
    """
    return Path(FOLDER) / f"{judge[:_DIGITS]}.jsonl"


class KeptJudgements(KeptLines[KeptJudgement]):
    """What one judge has said before, and what it says now; a context manager.

    Args:
        path: Made with mode 0600 where it is missing, its folder too; a torn last line is cut off. It may
            hold judgements of others.
        judge: Hash of the judge.
        name: How it is called.
        fresh: Whether what it said before does not count.

    Raises:
        InputError: The file holds something else, or another process writes to it.
        StorageError: It cannot be opened or written.
    """

    def __init__(self, path: Path, judge: str, name: str, *, fresh: bool = False) -> None:
        super().__init__(path, _JUDGEMENTS)
        self._judge, self._name = judge, name
        self._known: dict[str, JudgementResult] = {}
        self._costs: dict[str, KeptJudgement] = {}
        self._fold(line for line in self.read if line.judge == judge)
        self._begin = fresh and bool(self._costs)
        if fresh:
            self._forget()

    def _fold(self, lines: Iterable[KeptJudgement]) -> None:
        for line in lines:
            if line.afresh:
                self._forget()
                continue
            before = self._costs.get(line.asked)
            heard = line.heard
            if line.result is not None:
                self._known[line.asked] = line.result
            elif before is not None:
                heard = heard or before.heard
            self._costs[line.asked] = msgspec.structs.replace(line, heard=heard)

    def _forget(self) -> None:
        self._known.clear()
        self._costs.clear()

    def get(self, asked: str) -> JudgementResult | None:
        """Return what it said, None where it said nothing, or its endpoint was at fault."""
        found = self._known.get(asked)
        return None if isinstance(found, Unscored) and found.may_pass else found

    def cost(self, asked: str) -> KeptJudgement | None:
        """Return what a judgement has cost so far, and what was heard for it; None where nothing."""
        return self._costs.get(asked)

    def charge(self, asked: str, calls: int, tokens: Usage, heard: tuple[Heard, ...]) -> None:
        """Keep what a judgement costs at the most.

        Raises:
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        self._append(asked, None, calls, tokens, heard)

    def keep(self, asked: str, result: JudgementResult, calls: int, tokens: Usage) -> None:
        """Keep what the judge said, and what it cost.

        Raises:
            StorageError: The disk is full or gone; the file is left as it was before the call.
        """
        self._append(asked, _wordless(result), calls, tokens, ())

    def _append(
        self, asked: str, result: JudgementResult | None, calls: int, tokens: Usage, heard: tuple[Heard, ...]
    ) -> None:
        line = KeptJudgement(
            judge=self._judge,
            name=self._name,
            asked=asked,
            result=result,
            calls=calls,
            tokens=tokens,
            heard=heard,
        )
        begin = (KeptJudgement(judge=self._judge, name=self._name, afresh=True),) if self._begin else ()
        self.write((*begin, line))
        self._begin = False


def _wordless(result: JudgementResult) -> JudgementResult:
    """A result without what may quote the reply."""
    fields = {field.name: field.default for field in msgspec.structs.fields(result) if field.name in _WORDS}
    return msgspec.structs.replace(result, **fields)
