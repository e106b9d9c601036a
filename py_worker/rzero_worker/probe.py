"""The tokens by whose log-probs two workers compare the weights that they hold."""

from __future__ import annotations

PROBE_LENGTH = 16
_PRIME = 7919


def probe_tokens(vocabulary: int) -> list[int]:
    """Give the probe of a model whose vocabulary has this size: token i is 7919 (i + 1) modulo the size."""
    return [_PRIME * (index + 1) % vocabulary for index in range(PROBE_LENGTH)]
