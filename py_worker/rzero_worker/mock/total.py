"""Sums of floats that are exact, and not finite where they have no finite value."""

from __future__ import annotations

import math
from collections.abc import Iterable


def total(values: Iterable[float]) -> float:
    """Sum without an error of rounding; NaN where `math.fsum` has no answer."""
    known = list(values)
    try:
        return math.fsum(known)
    except (OverflowError, ValueError):  # partial sums beyond the floats, or inf - inf
        return math.nan
