"""Tables in, estimates out; no network."""

from alignmeter.analysis.best_of_n import best_of_n
from alignmeter.analysis.cells import cells
from alignmeter.analysis.comparison import deltas, flips, in_turns, surface_change
from alignmeter.analysis.effects import effects
from alignmeter.analysis.gaming import gaming
from alignmeter.analysis.history import DriftChart, control_signal
from alignmeter.analysis.judge_equality import LabelledArm, judge_equality
from alignmeter.analysis.run_pairs import MeasurePairs, RunPairs, pair_up
from alignmeter.analysis.saturation import saturated

__all__ = [
    "DriftChart",
    "LabelledArm",
    "MeasurePairs",
    "RunPairs",
    "best_of_n",
    "cells",
    "control_signal",
    "deltas",
    "effects",
    "flips",
    "gaming",
    "in_turns",
    "judge_equality",
    "pair_up",
    "saturated",
    "surface_change",
]
