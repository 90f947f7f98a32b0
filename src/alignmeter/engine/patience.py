"""When an endpoint that fails is given up, rather than the rest of the trials burnt on it.

How often it may fail, and what counts as failing, is decided in docs/decisions/0008 and 0038.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.records import Unscored

if TYPE_CHECKING:
    from alignmeter.engine.clock import Clock
    from alignmeter.records import Judgement, Transcript

_DEAD_AFTER = 8
"""Failures in a row after which an endpoint that never answered, or is gone, is given up."""
_SICK_AFTER = 40
"""Failures in a row after which an endpoint that did answer is given up."""
_SICKNESS = frozenset({"connection", "server_error", "timeout", "bad_response", "auth", "not_found"})
_NEVER_SERVED = _SICKNESS | {"rate_limited"}


class Patience:
    """Watches what comes of trials and of judging them, and says when waiting for better is of no use.

    Args:
        trial_timeout: Seconds that one trial may take; an endpoint that wants a longer pause is given up.
        clock: Time.

    Attributes:
        errors: Trials that ended in an error of the target, by kind.
        last_error: The message of the latest.
    """

    def __init__(self, trial_timeout: float, clock: Clock) -> None:
        self._trial_timeout = trial_timeout
        self._clock = clock
        self._target_replied = False
        self._failures: Counter[str] = Counter()
        self._judges_that_answered: set[str] = set()
        self._unjudged: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.last_error = ""

    def carry(self, transcript: Transcript) -> None:
        """Take note of what the target answered an earlier process."""
        self._target_replied = self._target_replied or transcript.error is None

    def carry_judgement(self, judged: Judgement) -> None:
        """Take note of what a judge answered an earlier process."""
        if judged.calls and not judged.may_pass:
            self._judges_that_answered.add(judged.judge_hash)

    def after_trial(self, transcript: Transcript) -> str | None:
        """Take note of what came of a trial; why the target is given up, None where it is not."""
        error = transcript.error
        if error is None:
            self._failures.clear()
            self._target_replied = True
            return None
        self.errors[error.kind] += 1
        self.last_error = error.message
        self._failures[error.kind] += 1
        if error.retry_after is not None and error.retry_after > self._trial_timeout:
            back = time.gmtime(self._clock.time() + error.retry_after)
            then = time.strftime("%Y-%m-%d %H:%M UTC", back)
            return f"{error.message}; it will not answer before {then}"
        return error.message if error.certain or self._has_failed_too_often() else None

    def _has_failed_too_often(self) -> bool:
        kinds = set(self._failures)
        sick = kinds <= (_SICKNESS if self._target_replied else _NEVER_SERVED)
        gone = not self._target_replied or kinds == {"connection"}
        return sick and self._failures.total() >= (_DEAD_AFTER if gone else _SICK_AFTER)

    def after_judging(self, judged: Judgement) -> str | None:
        """Take note of a judgement; why its judge is given up, None where it is not.

        Replies that a judge never sees decide nothing.
        """
        if not judged.calls:
            return None
        judge = judged.judge_hash
        if not (judged.may_pass and isinstance(judged.result, Unscored)):
            self._unjudged.pop(judge, None)
            self._judges_that_answered.add(judge)
            return None
        self._unjudged[judge] += 1
        failed = self._unjudged[judge]
        if failed < (_SICK_AFTER if judge in self._judges_that_answered else _DEAD_AFTER):
            return None
        return f"the judge {judged.judge} failed on {failed} replies in a row: {judged.result.detail}"
