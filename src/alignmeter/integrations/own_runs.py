"""Runs of Alignmeter itself, read like the results of any other tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.integrations.base import ReadOptions
    from alignmeter.integrations.peek import Peek
    from alignmeter.records import ItemScores


class RunReader:
    """Reads run folders: tasks by their check, tax domains by compliance and by quality."""

    format = "alignmeter"
    options = frozenset({"domains", "model"})

    def recognises(self, peek: Peek) -> bool:
        """Whether a folder holds a run."""
        return peek.kind == "folder" and (peek.path / "run.json").is_file()

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read the scores of a run's target.

        Raises:
            InputError: It scored nothing, or nothing of the domains or the model that are asked for.
            RunFolderError: The run cannot be read.
        """
        from alignmeter.api.reading import load_run
        from alignmeter.api.scores import scores_of_run

        scores = scores_of_run(load_run(path))
        domains = tuple(dict.fromkeys(item.domain for item in scores.items))
        if not domains:
            raise InputError(
                f"{path}: expected a run that asked tasks, got none that are scored; name `capability` or "
                "`tax_domains` under `suites` in its threat model"
            )
        for wanted, there in (
            (options.domains, domains),
            ((options.model or scores.model,), (scores.model,)),
        ):
            for name in wanted:
                if name not in there:
                    raise InputError(
                        f"{path}: expected one of {', '.join(there)}, got {name!r}; name one of them"
                    )
        chosen = options.domains or domains
        return msgspec.structs.replace(
            scores,
            items=tuple(item for item in scores.items if item.domain in chosen),
            metric={domain: metric for domain, metric in scores.metric.items() if domain in chosen},
            chance={domain: chance for domain, chance in scores.chance.items() if domain in chosen},
            scorers={domain: scorer for domain, scorer in scores.scorers.items() if domain in chosen},
            stated=tuple(domain for domain in scores.stated if domain in chosen),
        )
