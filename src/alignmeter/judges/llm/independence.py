"""No model judges itself, unless the user insists; then every judgement says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from alignmeter.records import TargetFingerprint


def is_same_model(one: TargetFingerprint, other: TargetFingerprint) -> bool:
    """Whether two fingerprints may be the same model, whatever prompt or sampling it runs under.

    Digests of weights decide where both are known. Elsewhere the names do, upper and lower case
    alike, unless revisions that are both given differ. An adapter makes another model. Of functions in
    Python the digest is that of the file, which may hold several: there the name decides.
    """
    if one.kind == other.kind == "python":
        return one.model == other.model
    if one.adapter != other.adapter:
        return False
    if one.weights is not None and other.weights is not None:
        return one.weights == other.weights
    if one.revision is not None and other.revision is not None and one.revision != other.revision:
        return False
    return one.model.casefold() == other.model.casefold()


def not_the_target(
    judge_fingerprint: TargetFingerprint, target_fingerprint: TargetFingerprint, *, forced: bool = False
) -> bool:
    """Check that a judge is not the target that it judges: models favour what they wrote themselves.

    Source: Panickssery et al. 2024, arXiv 2404.13076.

    Args:
        judge_fingerprint: The model behind the judge.
        target_fingerprint: The target, or the one whose transcripts are judged.
        forced: Whether the user insists.

    Returns:
        True where they differ; False where they are the same and the user insists. Hand it to
        `LlmJudge(independent=...)`, whose name then ends in `(self)`.

    Raises:
        InputError: They are the same and nobody insists.
    """
    if not is_same_model(judge_fingerprint, target_fingerprint):
        return True
    if forced:
        return False
    raise InputError(
        f"expected a judge other than the target, came the same model {judge_fingerprint.model!r}; "
        f"name another judge, or take it with `allow_self=True` and have its judgements marked (self)"
    )
