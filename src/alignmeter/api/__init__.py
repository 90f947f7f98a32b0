"""The public API: plan a run, run it, resume it, read it back, analyse it again.

The names are in `__init__.pyi`; each loads its module on first use.
"""

from __future__ import annotations

from alignmeter._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
