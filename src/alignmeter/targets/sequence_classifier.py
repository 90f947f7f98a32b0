"""A sequence classifier or a reward model in PyTorch: texts in, one number a text out.

A model with one output gives that output as it is, as reward models do; one with several gives the
probability of the class that means harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignmeter.errors import InputError
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_files import pretrained, quiet, reading
from alignmeter.targets.torch_model import source_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HARMFUL_LABELS = ("unsafe", "harmful", "toxic", "jailbreak", "injection", "hate", "offensive", "dangerous")
"""Names of classes that mean harm in the published classifiers."""
MOST_TOKENS = 4096
"""Of one text, where the model knows no limit of its own; what is longer is cut at its end."""
_NO_LIMIT = 1_000_000
_MULTI_LABEL = "multi_label_classification"


class SequenceClassifier:
    """Scores texts with a model from a folder in the format of transformers.

    Args:
        folder: Holds `config.json`, weights and tokenizer.
        label: The class that means harm, by name or number; None to find it by its name.

    Raises:
        InputError: The folder holds no sequence classifier, or the class is not known.
        MissingExtraError: The extra `torch` is not installed.
    """

    def __init__(self, folder: Path, *, label: str | None = None) -> None:
        transformers, torch = library("transformers"), library("torch")
        if not (folder / "config.json").is_file():
            raise InputError(
                f"{str(folder)!r}: expected a folder with config.json as transformers writes it, got none"
            )
        where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
        with quiet(), reading(folder, "a sequence classifier that transformers can load"):
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(**where)
            config: Any = transformers.AutoConfig.from_pretrained(**where)
            if not any("SequenceClassification" in name for name in config.architectures or ()):
                raise ValueError(f"its architecture is {', '.join(config.architectures or ('unknown',))}")
            self._model: Any = pretrained(
                folder,
                transformers.AutoModelForSequenceClassification,
                {**where, "dtype": torch.float32},
            ).eval()
        self.is_reward = int(config.num_labels) == 1
        self._multi_label = getattr(config, "problem_type", None) == _MULTI_LABEL
        self.column = 0 if self.is_reward else _column(config.id2label, label, folder)
        if self.is_reward and label is not None:
            raise InputError(f"{str(folder)!r} has one output and no classes; leave `label={label}` out")
        self.weights = source_digest(folder)

    def scores(self, texts: Sequence[tuple[str, str | None]]) -> list[float]:
        """Score a batch of requests, with replies or without.

        Args:
            texts: Request and reply, or None for the request alone.

        Returns:
            The output of a reward model, or the probability of harm in [0, 1].
        """
        torch = library("torch")
        limit = int(self._tokenizer.model_max_length)
        positions = int(getattr(self._model.config, "max_position_embeddings", 0) or MOST_TOKENS)
        most = min(limit if limit < _NO_LIMIT else MOST_TOKENS, positions)
        found: list[float] = []
        # One at a time: reward models often have no padding token, and padding may move a score.
        for request, reply in texts:
            inputs = self._inputs(request, reply, most)
            with torch.inference_mode():
                logits = self._model(**inputs).logits[0].float()
            if self.is_reward:
                found.append(float(logits[0]))
            elif self._multi_label:
                found.append(float(logits.sigmoid()[self.column]))
            else:
                found.append(float(logits.softmax(-1)[self.column]))
        return found

    def _inputs(self, request: str, reply: str | None, most: int) -> Any:  # noqa: ANN401 - tensors
        how: dict[str, Any] = {"return_tensors": "pt", "truncation": True, "max_length": most}
        if self._tokenizer.chat_template:
            turns = [{"role": "user", "content": request}]
            turns += [] if reply is None else [{"role": "assistant", "content": reply}]
            text = self._tokenizer.apply_chat_template(turns, tokenize=False)
            return self._tokenizer(text, add_special_tokens=False, **how)
        return self._tokenizer(request, **how) if reply is None else self._tokenizer(request, reply, **how)


def _column(labels: dict[int, str], wanted: str | None, folder: Path) -> int:
    """The class that means harm."""
    names = {int(number): name for number, name in labels.items()}
    if wanted is not None:
        found = [
            number
            for number, name in names.items()
            if name.lower() == wanted.lower() or str(number) == wanted
        ]
    else:
        found = [number for number, name in names.items() if name.lower() in HARMFUL_LABELS]
    if len(found) != 1:
        known = ", ".join(f"{number} {name}" for number, name in sorted(names.items()))
        raise InputError(
            f"{str(folder)!r}: expected `label=` with the class that means harm ({known}), got {wanted!r}"
        )
    return found[0]
