"""Alignmeter measures what alignment bought and what it cost.

    >>> import alignmeter
    >>> plan = alignmeter.plan()
    >>> plan.design.mode
    'sequential'

The public names are in `__init__.pyi`; each loads its module on first use, so that `import alignmeter` is
quick.
"""

from __future__ import annotations

from alignmeter._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
