"""AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), over rows of a table."""

from __future__ import annotations

import math

from rzero_worker.errors import not_finite
from rzero_worker.mock.language import Rows
from rzero_worker.mock.policy import Gradient
from rzero_worker.mock.total import total
from rzero_worker.protocol import Adam


class AdamW:
    """The moments of a table's rows. A row that never had a gradient has none, and only decays."""

    def __init__(self) -> None:
        """Start fresh."""
        self.steps = 0
        self.first: dict[int, list[float]] = {}
        self.second: dict[int, list[float]] = {}

    def step(self, rows: Rows, gradient: Gradient, adam: Adam) -> float:
        """Update rows in place; returns the gradient's global norm before clipping.

        Raises not_finite, with nothing changed, for a norm that is not.
        """
        norm = math.sqrt(total(g * g for row in gradient.values() for g in row))
        if not math.isfinite(norm):
            raise not_finite("the norm of the gradient of all sequences since the last step")
        scale = 1.0
        if adam.max_grad_norm > 0 and norm > adam.max_grad_norm:
            scale = adam.max_grad_norm / norm
        self.steps += 1
        beta1, beta2 = adam.beta1, adam.beta2
        rate = adam.learning_rate / (1 - beta1**self.steps)
        correction = 1 / math.sqrt(1 - beta2**self.steps)
        decay = 1 - adam.learning_rate * adam.weight_decay
        zero = [0.0] * (len(rows[0]) if rows else 0)
        for index, row in enumerate(rows):
            slope = gradient.get(index)
            m = self.first.get(index)
            if slope is None and m is None:
                if decay != 1:
                    rows[index] = [w * decay for w in row]
                continue
            g = zero if slope is None else [x * scale for x in slope]
            v = self.second.get(index, zero)
            m = [beta1 * a + (1 - beta1) * b for a, b in zip(m or zero, g, strict=True)]
            v = [beta2 * a + (1 - beta2) * b * b for a, b in zip(v, g, strict=True)]
            rows[index] = [
                w * decay - rate * a / (math.sqrt(b) * correction + adam.epsilon)
                for w, a, b in zip(row, m, v, strict=True)
            ]
            self.first[index], self.second[index] = m, v
        return norm
