"""Random numbers by position instead of by order: the draw for a token is a function of where it stands.

A stateful generator would hand out its numbers in the order rows happen to be batched. Here the number for
token t of sample j is a hash of (seed, j, t), so neither batching nor splitting a request changes it.
"""

from __future__ import annotations

import numpy as np

_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = 0x9E3779B9, 0xBB67AE85
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox(counter: tuple[np.ndarray, ...], key: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Philox4x32-10, a counter-based generator.

    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.

    Args:
        counter: four uint64 arrays holding 32-bit words, of shapes that broadcast.
        key: two such arrays.

    Returns:
        Four uint64 arrays of 32-bit words, each bit uniform.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1  # exact: 32 x 32 bits fit in 64
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ k0,
            product1 & _LOW,
            (product0 >> _SHIFT) ^ c3 ^ k1,
            product0 & _LOW,
        )
        k0, k1 = (k0 + np.uint64(_WEYL_0)) & _LOW, (k1 + np.uint64(_WEYL_1)) & _LOW
    return c0, c1, c2, c3


def token_uniforms(seeds: np.ndarray, samples: np.ndarray, count: int) -> np.ndarray:
    """The uniforms that draw the first `count` tokens of each sample.

    Args:
        seeds: [rows] of 32-bit seeds.
        samples: [rows], the number of the sample within its conversation, 0 <= j < 2^32.
        count: tokens.

    Returns:
        float32 [rows, count] in [0, 1), multiples of 2^-24. Entry (i, t) depends on (seeds[i], samples[i], t)
        alone.
    """
    zero = np.zeros((1, 1), np.uint64)
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)[None, :]  # one hash serves four tokens
    seed, sample = (np.asarray(values).astype(np.uint64)[:, None] for values in (seeds, samples))
    words = np.stack(philox((blocks, sample, zero, zero), (seed, zero)), axis=-1)
    return ((words.reshape(len(seed), -1)[:, :count] >> np.uint64(8)) * 2.0**-24).astype(np.float32)


def sample_seeds(seeds: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """One seed a sample, for generators that are not ours.

    Args:
        seeds: [samples] of 32-bit seeds.
        samples: [samples], the number of the sample within its conversation, 0 <= j < 2^32.

    Returns:
        int64 [samples], 0 <= seed < 2^63. Entry i depends on (seeds[i], samples[i]) alone.
    """
    seed, sample = (np.asarray(values).astype(np.uint64) for values in (seeds, samples))
    zero, one = np.zeros_like(seed), np.ones_like(seed)
    # The third word is 0 where token_uniforms hashes: these words are used for nothing else.
    low, high, _, _ = philox((zero, sample, one, zero), (seed, zero))
    return ((high >> np.uint64(1) << _SHIFT) | low).astype(np.int64)
