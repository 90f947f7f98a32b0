"""Tables in, estimates out; no network."""

from alignmeter.analysis.best_of_n import BestOfN, best_of_n
from alignmeter.analysis.cells import cells
from alignmeter.analysis.effects import effects
from alignmeter.analysis.gaming import gaming
from alignmeter.analysis.saturation import saturated

__all__ = ["BestOfN", "best_of_n", "cells", "effects", "gaming", "saturated"]
