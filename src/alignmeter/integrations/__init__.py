"""Results of other tools, read as they are: lm-evaluation-harness, Inspect, HELM, CSV."""

from alignmeter.integrations.base import ReadOptions, ScoreReader
from alignmeter.integrations.csv_scores import write_csv
from alignmeter.integrations.reading import formats, read_item_scores

__all__ = ["ReadOptions", "ScoreReader", "formats", "read_item_scores", "write_csv"]
