"""`replay:RUN`: the recorded replies of an earlier run, under the original's fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import CallError
from alignmeter.store import RunFolder
from alignmeter.targets.base import Reply

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from alignmeter.targets.base import Request


class Replay:
    """Answers each trial, found by its id, with what the recorded target said.

    A trial that the run did not record is a typed error, never a made-up reply. So is one that the
    run recorded an error for: asking a recording again, or giving it up as gone, makes no sense, so
    an error that would lead to that comes back as `not_recorded`.
    """

    def __init__(self, path: Path) -> None:
        folder = RunFolder.open(path)
        self._transcripts = folder.read().transcripts
        original = folder.manifest.target
        self.spec = f"replay:{path}"
        self.url: str | None = original.url
        self.max_concurrency: int | None = None
        self.fingerprint = original.fingerprint
        self.extra_body = original.extra_body

    async def generate(self, request: Request) -> Reply | CallError:
        """Return the recorded reply or error of the trial."""
        transcript = self._transcripts.get(request.trial)
        if transcript is None:
            return CallError(
                kind="not_recorded", message=f"{self.spec} holds no reply to trial {request.trial[:12]}"
            )
        error = transcript.error
        if error is not None and not (error.retryable or error.fatal):
            return error
        if error is not None or transcript.reply is None:
            what = "an empty record" if error is None else f"{error.kind}: {error.message}"
            return CallError(kind="not_recorded", message=f"{self.spec} recorded no reply but {what}")
        return Reply(
            message=transcript.reply,
            finish_reason=transcript.finish_reason,
            usage=transcript.usage,
            hard_refusal=transcript.hard_refusal,
            model_reported=transcript.model_reported,
            logprobs=transcript.logprobs,
            finish_unknown=transcript.finish_unknown,
            refused=transcript.refused,
        )

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close."""
