"""The judges that a run uses unless it is told otherwise: one an axis, offline, without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.judges.capability import Capability
from alignmeter.judges.closed_answer import ClosedAnswer
from alignmeter.judges.code_security import CodeSecurity
from alignmeter.judges.refusal_embedded import RefusalEmbedded
from alignmeter.judges.refusal_rules import RefusalRules
from alignmeter.judges.reply_language import ReplyLanguage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from alignmeter.judges.base import Judge
    from alignmeter.records import Axis


def default_judges(languages: Collection[str] = ("en",)) -> Mapping[Axis, Judge]:
    """Return the built-in judges by axis.

    Args:
        languages: Languages of the replies. English alone is read by rules; with others the embedded
            judge reads all of them, and what it cannot read without its extra is unscored.
    """
    return {
        "refusal": RefusalRules() if set(languages) <= {"en"} else RefusalEmbedded(),
        "factuality": ClosedAnswer(),
        # Without bandit, so that a run says the same wherever it is made.
        "code_security": CodeSecurity(bandit=False),
        "language": ReplyLanguage(),
        "capability": Capability(),
    }
