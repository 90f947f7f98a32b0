"""Run folders, their journal, and the Parquet tables made from it. Only this floor touches them."""

from alignmeter.store.journal import (
    JOURNAL_VERSION,
    Answered,
    Asked,
    Charged,
    Checked,
    Closed,
    Event,
    Heard,
    JournalWriter,
    Judged,
    Opened,
    Planned,
    StopReason,
    heard_before,
    judged_again,
    read_events,
    unanswered,
)
from alignmeter.store.kept_judgements import KeptJudgement, KeptJudgements, kept_judgements_path
from alignmeter.store.labels import LABELS_FILE, LabelWriter, counted_labels, read_labels
from alignmeter.store.parquet import write_parquet
from alignmeter.store.reply_columns import Cell, reply_columns
from alignmeter.store.run_data import RunData, fold
from alignmeter.store.run_folder import RunFolder
from alignmeter.store.runs import list_runs, new_run_folders, remove_empty
from alignmeter.store.text_scores import TextScores, read_text_scores, request_text, scored_text

__all__ = [
    "JOURNAL_VERSION",
    "LABELS_FILE",
    "Answered",
    "Asked",
    "Cell",
    "Charged",
    "Checked",
    "Closed",
    "Event",
    "Heard",
    "JournalWriter",
    "Judged",
    "KeptJudgement",
    "KeptJudgements",
    "LabelWriter",
    "Opened",
    "Planned",
    "RunData",
    "RunFolder",
    "StopReason",
    "TextScores",
    "counted_labels",
    "fold",
    "heard_before",
    "judged_again",
    "kept_judgements_path",
    "list_runs",
    "new_run_folders",
    "read_events",
    "read_labels",
    "read_text_scores",
    "remove_empty",
    "reply_columns",
    "request_text",
    "scored_text",
    "unanswered",
    "write_parquet",
]
