"""Every number of the base text and of base training, with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from text import MAX_STEPS


@dataclass(frozen=True)
class Recipe:
    """Sizes, rates and shares; the defaults are those of the shipped model."""

    seed: int = 1

    # The network: about 0.3 M parameters. Three layers: copy from the neighbours, look the step up, compute.
    hidden_size: int = 96
    layers: int = 3
    heads: int = 3
    key_value_heads: int = 1
    head_size: int = 32
    feed_forward: int = 256
    rope_theta: float = 1000.0

    # Phase 1, skill: worked true answers, until the tables and the look-up by label are learned, and
    # questions of every length and operator, so that the Challenger counts its labels right even where it
    # seldom goes.
    skill_updates: int = 1000
    skill_documents: int = 64
    skill_challenger_share: float = 0.15

    # Phase 2, manner: the final text, with its slips, guesses and easy questions.
    manner_updates: int = 900
    manner_documents: int = 128

    # Learning rates per update, for matrices (orthogonalised momentum) and for everything else (AdamW).
    matrix_rate: float = 0.02
    other_rate: float = 4e-3
    warm_up_updates: int = 50

    # Probability that a step whose carry (or borrow) matters is misapplied. All are below one half, so the
    # likeliest step is the right one and a vote can find it.
    slip_rates: dict[str, float] = field(
        default_factory=lambda: {"add": 0.04, "subtract": 0.14, "multiply": 0.32},
    )

    # Share of terse answers: this at one step, plus the slope for each further step, at most the cap.
    terse_at_one: float = 0.20
    terse_slope: float = 0.07
    terse_cap: float = 0.85

    # The base as a Challenger: questions halve in number with each further step, a thin even tail reaches the
    # longest, and most steps add.
    challenger_share: float = 0.15
    challenger_decay: float = 0.5
    challenger_tail: float = 0.06
    challenger_operators: tuple[float, ...] = (0.85, 0.12, 0.03)

    def terse_share(self, steps: int) -> float:
        """Share of terse answers to questions of so many steps, [0, 1]."""
        return min(self.terse_cap, self.terse_at_one + self.terse_slope * (steps - 1))

    def challenger_lengths(self) -> list[float]:
        """Weights of 1, 2, ... steps in the questions the base asks; they sum to 1."""
        falling = [self.challenger_decay**k for k in range(1, MAX_STEPS + 1)]
        whole = sum(falling)
        return [(1 - self.challenger_tail) * f / whole + self.challenger_tail / MAX_STEPS for f in falling]
