"""Sampling: prompts in, drawn tokens with their log-probs out. Knows token ids, no text and no chat.

Rows (one per sample) decode side by side. A row leaves when it is done, and the next waiting row takes its
place, so the batch stays full until nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from rzero_worker import pulse
from rzero_worker.backend import Context
from rzero_worker.draw import Distribution, draw
from rzero_worker.kv import make_store
from rzero_worker.random import token_uniforms

SWAP_SHARE = 0.25
"""Finished rows are swapped out once they are this share of the batch: each swap copies keys and values,
each finished row left in costs its share of a step."""


@dataclass(frozen=True)
class Sample:
    """One completion: tokens (the one that ended it included), their log-probs, whether a token ended it."""

    tokens: np.ndarray  # int32 [length]
    logprobs: np.ndarray  # float32 [length]
    stopped: bool


Watch = Callable[[int], bool]
"""Is told each token of one sample but a stop token, and says whether the sample ends with it."""


class _Watches:
    """The watches of the samples being decoded, by their number in the request."""

    def __init__(self, make: Callable[[], Watch]) -> None:
        self._make = make
        self._of: dict[int, Watch] = {}

    def ended(self, index: Tensor, tokens: Tensor, asked: Tensor) -> Tensor:
        """Which samples end with their new token, bool [B]; only where `asked` is true is it one."""
        rows = zip(index.tolist(), tokens.tolist(), asked.tolist(), strict=True)
        ended = [ask and self._watch(sample)(token) for sample, token, ask in rows]
        return torch.tensor(ended, device=tokens.device)

    def _watch(self, sample: int) -> Watch:
        if sample not in self._of:
            self._of[sample] = self._make()
        return self._of[sample]

    def forget(self, index: Tensor) -> None:
        """Drop those of samples that are done."""
        for sample in index.tolist():
            self._of.pop(sample, None)


@dataclass
class _Rows:
    """The rows being decoded, an entry each. Buffers have a spare column that finished rows write to."""

    index: Tensor  # which sample of the request
    position: Tensor  # tokens in the store
    count: Tensor  # tokens drawn
    limit: Tensor  # most tokens to draw
    last: Tensor  # the token drawn last
    stopped: Tensor  # bool
    done: Tensor  # bool
    uniforms: Tensor  # [B, most + 1]
    tokens: Tensor  # [B, most + 1]
    logprobs: Tensor  # [B, most + 1]

    def map(self, function) -> _Rows:
        return _Rows(*(function(getattr(self, field.name)) for field in fields(self)))

    def join(self, other: _Rows) -> _Rows:
        return _Rows(*(torch.cat([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    def record(
        self, logits: Tensor, distribution: Distribution, stop_ids: Tensor, watches: _Watches | None
    ) -> None:
        """Draw a token for every row; those already done draw into the spare column."""
        column = self.count.unsqueeze(1)
        tokens, logprobs = draw(logits, self.uniforms.gather(1, column).squeeze(1), distribution)
        self.tokens.scatter_(1, column, tokens.unsqueeze(1))
        self.logprobs.scatter_(1, column, logprobs.unsqueeze(1))
        self.last = tokens
        drew = ~self.done
        self.count += drew
        self.stopped |= torch.isin(tokens, stop_ids) & drew
        if watches is not None:
            self.stopped |= watches.ended(self.index, tokens, drew & ~self.stopped)
        self.done |= self.stopped | (self.count >= self.limit)


def _survivors(done: Tensor) -> Tensor:
    """Row numbers to keep, in an order that leaves most where they are: gaps are filled from the end."""
    alive = (~done).nonzero().squeeze(1)
    kept = torch.arange(len(alive), device=done.device)
    kept[done[: len(alive)]] = alive[alive >= len(alive)]
    return kept


class Sampler:
    """Draws samples from one model."""

    def __init__(
        self,
        model: PreTrainedModel,
        stop_ids: Sequence[int],
        context_length: int,
        max_rows: int,
        max_tokens: int,
    ) -> None:
        """Make a sampler.

        Args:
            model: any causal language model of transformers, in eval mode.
            stop_ids: tokens that end a sample.
            context_length: most tokens of prompt and completion together.
            max_rows: most rows decoded at a time.
            max_tokens: most tokens that the key-value store holds, over all rows; one row is always allowed.
        """
        self._model = model
        self._stop_ids = torch.tensor(sorted(stop_ids), dtype=torch.long, device=model.device)
        self._context_length, self._max_rows, self._max_tokens = context_length, max_rows, max_tokens

    @torch.inference_mode()
    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        n: int,
        seeds: np.ndarray,
        distribution: Distribution,
        most: int,
        context: Context,
        watch: Callable[[], Watch] | None = None,
    ) -> list[Sample]:
        """Draw n samples for each prompt, of at most `most` tokens; sample j of prompt i is at [i * n + j].

        The uniforms of a sample depend on (seeds[i], j) alone, whatever it is batched with. The logits may
        move in their last bits with the batch, as in every batched matrix product, so a draw within
        such a bit of a boundary may differ. A prompt that fills the context gets empty samples. `watch`
        makes a watch for each sample; without it, stop tokens alone end one.
        """
        limits = [min(most, self._context_length - len(prompt)) for prompt in prompts]
        results = [Sample(np.zeros(0, np.int32), np.zeros(0, np.float32), False)] * (len(prompts) * n)
        # Equal prompts next to each other share a prefill; similar lengths share a width.
        order = sorted(
            (i for i in range(len(prompts)) if limits[i] > 0), key=lambda i: (len(prompts[i]), prompts[i])
        )
        waiting = [i * n + j for i in order for j in range(n)]
        total, finished = len(results), len(results) - len(waiting)
        if not waiting:
            return results
        width = max(len(prompts[i]) for i in order) + max(limits[i] for i in order)
        capacity = max(1, min(self._max_rows, self._max_tokens // width, len(waiting)))
        store = make_store(self._model, capacity)
        rows: _Rows | None = None
        watches = None if watch is None else _Watches(watch)
        while True:
            context.raise_if_cancelled()
            free = capacity - (len(rows.index) if rows is not None else 0)
            if waiting and free and (store.joins or rows is None):
                taken, waiting = waiting[:free], waiting[free:]
                unique = list(dict.fromkeys(tuple(prompts[index // n]) for index in taken))
                number = {prompt: at for at, prompt in enumerate(unique)}
                logits = store.append(
                    [list(prompt) for prompt in unique],
                    [number[tuple(prompts[index // n])] for index in taken],
                )
                joined = self._start(taken, n, prompts, limits, seeds, max(limits))
                joined.record(logits, distribution, self._stop_ids, watches)
                rows = joined if rows is None else rows.join(joined)
            else:
                logits = store.step(rows.last, rows.position)
                rows.position += ~rows.done
                rows.record(logits, distribution, self._stop_ids, watches)
            done = int(rows.done.sum())
            pulse.beat()
            context.progress(finished + done, total)
            if done < max(1, SWAP_SHARE * len(rows.index)):
                continue
            leaving = rows.map(lambda values, of=rows.done: values[of])
            finished += self._harvest(leaving, results)
            if watches is not None:
                watches.forget(leaving.index)
            kept = _survivors(rows.done)
            store.keep(kept)
            rows = rows.map(lambda values, of=kept: values[of]) if len(kept) else None
            if rows is None and not waiting:
                return results

    def _start(self, taken, n, prompts, limits, seeds, most) -> _Rows:
        def tensor(values, dtype=torch.long) -> Tensor:
            return torch.as_tensor(values, dtype=dtype, device=self._model.device)

        index = np.asarray(taken)
        uniforms = token_uniforms(np.asarray(seeds)[index // n], index % n, most + 1)
        flags = torch.zeros(len(taken), dtype=torch.bool, device=self._model.device)
        return _Rows(
            index=tensor(index),
            position=tensor([len(prompts[i // n]) for i in taken]),
            count=tensor(np.zeros(len(taken))),
            limit=tensor([limits[i // n] for i in taken]),
            last=tensor(np.zeros(len(taken))),
            stopped=flags,
            done=flags.clone(),
            uniforms=tensor(uniforms, torch.float32),
            tokens=tensor(np.zeros((len(taken), most + 1))),
            logprobs=tensor(np.zeros((len(taken), most + 1)), torch.float32),
        )

    def _harvest(self, rows: _Rows, results: list[Sample]) -> int:
        tokens, logprobs = rows.tokens.to(torch.int32).cpu().numpy(), rows.logprobs.cpu().numpy()
        for at, (index, count, stopped) in enumerate(
            zip(rows.index.tolist(), rows.count.tolist(), rows.stopped.tolist(), strict=True)
        ):
            results[index] = Sample(tokens[at, :count].copy(), logprobs[at, :count].copy(), stopped)
        return len(rows.index)
