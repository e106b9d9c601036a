"""A table of logits as a language model: log-probs, samples, and the gradient of weighted log-probs."""

from __future__ import annotations

import math
from array import array
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rzero_worker.mock.language import ASSISTANT, END, Language, Rows
from rzero_worker.mock.total import total
from rzero_worker.protocol import Sampling

CONTEXT_LENGTH = 8192

Gradient = dict[int, list[float]]
"""Row index to the row's gradient; rows that are absent have none."""


@dataclass(frozen=True)
class Choices:
    """The distribution a token is drawn from, cut to the tokens that top-k and top-p leave."""

    tokens: list[int]
    cumulative: list[float]
    logprobs: list[float]


class Policy:
    """A bigram model with a bias by context: logits = rows[grammar, kind of the last token] + rows[context].

    Distributions are kept until `changed` is called: a few hundred states are all that most batches visit.
    """

    def __init__(self, language: Language, rows: Rows) -> None:
        """Wrap rows laid out as `Language.initial_rows`; they are used, not copied."""
        self.language = language
        self.rows = rows
        self._grammar_rows = len(rows) - language.contexts
        self._logprobs: dict[tuple[int, float], list[float]] = {}
        self._entropies: dict[tuple[int, float], float] = {}
        self._choices: dict[tuple[int, float, float, int], Choices] = {}
        self._prompts: dict[tuple[bytes, float], list[float]] = {}

    def copy(self) -> Policy:
        """Make an independent policy with the same weights."""
        return Policy(self.language, [row.copy() for row in self.rows])

    def changed(self) -> None:
        """Forget distributions: the rows have other values now."""
        self._logprobs.clear()
        self._entropies.clear()
        self._choices.clear()
        self._prompts.clear()

    def state(self, context: int, last: int) -> int:
        """Number what the next token's distribution depends on: the context and the last token's kind."""
        return context * self.language.kinds + self.language.kind_of[last]

    def rows_of(self, state: int) -> tuple[int, int]:
        """Name the two rows whose sum is the state's logits."""
        context, kind = divmod(state, self.language.kinds)
        return self.language.grammar_of(context) * self.language.kinds + kind, self._grammar_rows + context

    def distribution(self, state: int, temperature: float) -> list[float]:
        """Log-probs of all tokens, softmax(logits / temperature)."""
        known = self._logprobs.get((state, temperature))
        if known is None:
            one, other = self.rows_of(state)
            logits = [(a + b) / temperature for a, b in zip(self.rows[one], self.rows[other], strict=True)]
            top = max(logits)
            log_sum = top + math.log(math.fsum(math.exp(logit - top) for logit in logits))
            known = [logit - log_sum for logit in logits]
            self._logprobs[state, temperature] = known
        return known

    def entropy(self, state: int, temperature: float) -> float:
        """Entropy in nats of softmax(logits / temperature)."""
        known = self._entropies.get((state, temperature))
        if known is None:
            known = -math.fsum(
                math.exp(logprob) * logprob for logprob in self.distribution(state, temperature)
            )
            self._entropies[state, temperature] = known
        return known

    def reply_context(self, tokens: array) -> int:
        """Which context the reply in a sequence has; what is before its first ASSISTANT decides."""
        return self.language.reply_context(tokens[: _reply_start(tokens)])

    def states(self, tokens: array) -> list[int]:
        """Give the state before each token of a sequence but the first."""
        reply = _reply_start(tokens)
        context = self.reply_context(tokens)
        kinds, kind_of = self.language.kinds, self.language.kind_of
        before = [kind_of[token] for token in tokens[: reply - 1]]
        return before + [context * kinds + kind_of[token] for token in tokens[reply - 1 : -1]]

    def logprobs(self, tokens: array, temperature: float) -> list[float]:
        """Log-probs of a sequence's tokens; 0 for the first one."""
        reply = _reply_start(tokens)
        prompt = tokens[:reply]
        key = (prompt.tobytes(), temperature)
        out = self._prompts.get(key)
        if out is None:
            out = [0.0] + [
                self.distribution(state, temperature)[token]
                for state, token in zip(self.states(prompt), prompt[1:], strict=True)
            ]
            self._prompts[key] = out
        context = self.reply_context(prompt)
        return out + [
            self.distribution(self.state(context, last), temperature)[token]
            for last, token in zip(tokens[reply - 1 :], tokens[reply:], strict=False)
        ]

    def gradient(self, weights: dict[int, dict[int, float]], temperature: float) -> Gradient:
        """Differentiate the sum of weights[state][token] * log-prob of the token in the state.

        d log p(a) / d logit(b) = ((a = b) - p(b)) / temperature, and each logit is a sum of two rows.
        """
        gradient: Gradient = {}
        for state, by_token in weights.items():
            slope = total(by_token.values()) / temperature
            column = [-slope * math.exp(logprob) for logprob in self.distribution(state, temperature)]
            for token, weight in by_token.items():
                column[token] += weight / temperature
            for index in self.rows_of(state):
                row = gradient.get(index)
                gradient[index] = column if row is None else [a + b for a, b in zip(row, column, strict=True)]
        return gradient

    def sample(
        self,
        prompt: array,
        context: int,
        sampling: Sampling,
        key: int,
        completes: Callable[[int], bool] | None = None,
    ) -> tuple[array, list[float], bool]:
        """Draw one reply.

        Args:
            prompt: its tokens; one that fills the context gets an empty reply.
            context: the reply's, from `reply_context`.
            sampling: how to draw.
            key: chooses the random numbers, see `stream`.
            completes: told each token but END, says whether the reply ends with it; None: it never does.

        Returns:
            Tokens with the stop token, their log-probs, and whether one of them ended it.
        """
        tokens, logprobs = array("i"), []
        last = prompt[-1]
        for position in range(min(sampling.max_tokens, CONTEXT_LENGTH - len(prompt))):
            choices = self._choices_of(self.state(context, last), sampling)
            cumulative = choices.cumulative
            drawn = uniform(key, position) * cumulative[-1]
            index = min(bisect(cumulative, drawn), len(cumulative) - 1)
            last = choices.tokens[index]
            tokens.append(last)
            logprobs.append(choices.logprobs[index])
            if last == END or (completes is not None and completes(last)):
                return tokens, logprobs, True
        return tokens, logprobs, False

    def _choices_of(self, state: int, sampling: Sampling) -> Choices:
        key = (state, sampling.temperature, sampling.top_p, sampling.top_k)
        choices = self._choices.get(key)
        if choices is None:
            if sampling.temperature == 0:
                logprobs = self.distribution(state, 1.0)
                choices = Choices([logprobs.index(max(logprobs))], [1.0], [0.0])
            else:
                logprobs = self.distribution(state, sampling.temperature)
                choices = _cut(logprobs, sampling.top_k, sampling.top_p)
            self._choices[key] = choices
        return choices


def _cut(logprobs: Sequence[float], top_k: int, top_p: float) -> Choices:
    """Keep the k likeliest tokens, then the fewest whose share reaches p; ties go to the lower token."""
    tokens = list(range(len(logprobs)))
    if top_k > 0 or top_p < 1:
        tokens.sort(key=lambda token: -logprobs[token])
    if top_k > 0:
        del tokens[top_k:]
    cumulative = list(accumulate(math.exp(logprobs[token]) for token in tokens))
    if top_p < 1:
        enough = top_p * cumulative[-1]
        kept = 1 + next(index for index, mass in enumerate(cumulative) if mass >= enough)
        del tokens[kept:], cumulative[kept:]
    log_mass = math.log(cumulative[-1]) if len(tokens) < len(logprobs) else 0.0
    return Choices(tokens, cumulative, [logprobs[token] - log_mass for token in tokens])


def _reply_start(tokens: array) -> int:
    """Where the reply begins: after the first ASSISTANT; at the end if there is none."""
    try:
        return tokens.index(ASSISTANT) + 1
    except ValueError:
        return len(tokens)


_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(x: int) -> int:
    """SplitMix64's output function (Steele, Lea, Flood 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def stream(seed: int, sample: int) -> int:
    """Name the stream of random numbers of one sample of a conversation with this seed."""
    return _mix((_mix(seed + _GOLDEN) + sample * _GOLDEN) & _MASK)


def uniform(key: int, counter: int) -> float:
    """Return number `counter` of a stream, in [0, 1): a function of the two, with no state between."""
    return (_mix((key + (counter + 1) * _GOLDEN) & _MASK) >> 11) * 2.0**-53
