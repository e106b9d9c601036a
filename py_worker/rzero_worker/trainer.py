"""Training: gradients of a batch pack by pack, AdamW steps, and log-probs of given tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from rzero_worker import pulse
from rzero_worker.adapters import own_parameters, own_tensors
from rzero_worker.errors import WorkerFailure
from rzero_worker.losses import Scored, token_losses
from rzero_worker.memory import is_full
from rzero_worker.packing import Pack, sequence_of_token
from rzero_worker.protocol import Adam, ErrorCode, LossSpec
from rzero_worker.scorer import Scorer
from rzero_worker.tensors import as_held, fill, fill_tensor, whole_tensor


@dataclass(frozen=True)
class Batch:
    """The TrainBatch struct as arrays; see proto/protocol.yml."""

    tokens: np.ndarray  # int32, concatenated sequences
    lengths: np.ndarray  # int32 [sequences]
    mask: np.ndarray  # bool, aligned with tokens
    advantages: np.ndarray  # float32 [sequences]
    old_logprobs: np.ndarray | None = None  # float32, aligned with tokens
    ref_logprobs: np.ndarray | None = None  # float32, aligned with tokens
    sample_logprobs: np.ndarray | None = None  # float32, aligned with tokens

    def only(self, sequence: int) -> Batch:
        """The same batch with no token trained but those of one sequence."""
        return replace(self, mask=self.mask & (sequence_of_token(self.lengths) == sequence))


@dataclass(frozen=True)
class Metrics:
    """What a forward_backward reports. Means are over trained tokens, without any as the defaults say."""

    loss: float = 0.0
    kl: float = 0.0
    entropy: float = 0.0
    clip_fraction: float = 0.0
    ratio_mean: float = 1.0
    importance_mean: float = 1.0
    importance_capped: float = 0.0
    sampler_kl: float = 0.0
    tokens: int = 0


@contextmanager
def _within_memory(scorer: Scorer, together: Sequence[Pack]) -> Iterator[None]:
    """Make a full memory a failure that says what was too large, and let later packs be smaller.

    `together` are the packs of all ranks, whose budgets must stay equal.
    """
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        pack = max(together, key=lambda one: one.tokens.size)
        size = int(pack.tokens.size)
        least = len(pack.sequences) == 1
        # Half of what was tried, which may have been less than allowed, and no less when it is tried again.
        scorer.budget = max(1, min(scorer.budget, size // 2))
        hope = "is too much even alone" if least else f"are too much; at most {scorer.budget} from now on"
        raise WorkerFailure(ErrorCode.OUT_OF_MEMORY, f"{pack} {hope}", str(error)) from error


def _not_finite(sequences: Iterable[int], problem: str) -> WorkerFailure:
    names = ", ".join(map(str, sequences)) or "none alone"
    return WorkerFailure(ErrorCode.NOT_FINITE, f"sequences {names}: {problem}; no gradient was added")


@torch.no_grad()
def sequence_logprobs(
    scorer: Scorer,
    tokens: np.ndarray,
    lengths: np.ndarray,
    temperature: float,
    wanted: np.ndarray | None = None,
    after_pack: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Log-probs of given tokens under softmax(logits / temperature).

    Args:
        scorer: of a model in eval mode.
        tokens: concatenated sequences.
        lengths: [sequences].
        temperature: > 0.
        wanted: bool, aligned with tokens, false at each sequence's first token; None: true at all others.
        after_pack: called with the number of sequences done so far.

    Returns:
        float32, aligned with tokens; 0 where none is wanted.

    Raises out_of_memory.
    """
    result = np.zeros(len(tokens), np.float32)
    if wanted is None:
        wanted = np.ones(len(tokens), bool)
        wanted[np.cumsum(lengths) - lengths] = False
    packs = scorer.make_packs(tokens, lengths, wanted)
    done = len(lengths) - sum(len(one.sequences) for _, together in packs for one in together)
    try:
        for pack, together in packs:
            with _within_memory(scorer, together):
                result[pack.source] = scorer(pack, temperature)[0].cpu().numpy()
            done += sum(len(one.sequences) for one in together)
            after_pack(done)
    finally:
        scorer.rest()
    return scorer.ranks.sum(result)


def _leave_training(layer: torch.nn.Module, *_: Any) -> None:
    layer.training = False


def _enter_training(layer: torch.nn.Module, *_: Any) -> None:
    layer.training = True


class Trainer:
    """The trained weights of one model, all or adapters: their gradient, and AdamW's moments."""

    def __init__(self, model: PreTrainedModel | Scorer, budget: int = 0, recompute: bool = False) -> None:
        """Take over a model in eval mode (no dropout).

        Args:
            model: its adapters become trainable where it has some, else all of it; what does is float32. One
                that is cut up comes as its scorer.
            budget: most tokens of a pack; not looked at where a scorer is given, which has its own.
            recompute: activations in the backward pass; less memory, more time.
        """
        self.scorer = model if isinstance(model, Scorer) else Scorer(model, budget)
        model = self.model = self.scorer.model
        self._parameters = own_parameters(model)
        for parameter in self._parameters.values():
            parameter.requires_grad_(True)
        self._optimizer = self._fresh_optimizer()
        if recompute and model.supports_gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            for module in model.modules():
                if isinstance(module, GradientCheckpointingLayer):
                    # It checkpoints in training mode only. Its parts stay in eval mode, without dropout, and
                    # so does it while it runs: some layers drop out themselves (OPT's).
                    module.training = True
                    module.register_forward_pre_hook(_leave_training)
                    module.register_forward_hook(_enter_training, always_call=True)

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        parameters = self._parameters.values()
        groups = [
            {"params": [one for one in parameters if (one.dim() < 2) == vectors], "vectors": vectors}
            for vectors in (False, True)
        ]
        # The fused kernel needs no temporaries of the model's size.
        return torch.optim.AdamW([group for group in groups if group["params"]], fused=True)

    def forward_backward(self, batch: Batch, loss: LossSpec, normalizer: float) -> Metrics:
        """Add the gradient of the aggregated token losses over the normalizer; a failure leaves it as it was.

        Raises not_finite, naming the sequences, and out_of_memory.
        """
        before = [parameter.grad for parameter in self._parameters.values()]
        self.model.zero_grad(set_to_none=True)
        try:
            metrics = self._accumulate(batch, loss, normalizer)
            # Found here, an overflow costs this call; found by optim_step, it would cost the others too.
            norm = self._gradient_norm()
            if not math.isfinite(norm):
                problem = f"the gradient's norm is {norm}"
                raise _not_finite(self._overflowing(batch, loss, normalizer), problem)
            if not all(map(math.isfinite, astuple(metrics))):
                raise WorkerFailure(ErrorCode.NOT_FINITE, f"not finite: {metrics}; no gradient was added")
        except BaseException:
            self.scorer.rest()
            for parameter, grad in zip(self._parameters.values(), before, strict=True):
                parameter.grad = grad
            raise
        for parameter, grad in zip(self._parameters.values(), before, strict=True):
            if grad is not None:
                parameter.grad = grad if parameter.grad is None else parameter.grad.add_(grad)
        return metrics

    def _accumulate(self, batch: Batch, spec: LossSpec, normalizer: float) -> Metrics:
        # Whatever a rank finds, all go through the same passes, and find the same afterwards.
        sums, wrong, count = np.zeros(8), np.zeros(len(batch.lengths)), int(batch.mask.sum())
        owner = sequence_of_token(batch.lengths)
        for pack, together in self.scorer.make_packs(batch.tokens, batch.lengths, batch.mask):
            with _within_memory(self.scorer, together):
                values = self._backward(batch, pack, spec, normalizer)
            pulse.beat()
            wrong[owner[pack.source[~np.isfinite(values[0])]]] = 1
            sums += values.sum(-1, dtype=np.float64)
        sums, wrong = np.split(self.scorer.ranks.sum(np.concatenate([sums, wrong])), [len(sums)])
        if wrong.any():
            raise _not_finite(np.flatnonzero(wrong), f"the loss of a token is {sums[0]}")
        if count == 0:
            return Metrics()
        return Metrics(float(sums[0] / normalizer), *(float(value) for value in sums[1:] / count), count)

    def _backward(self, batch: Batch, pack: Pack, spec: LossSpec, normalizer: float) -> np.ndarray:
        """Add a pack's gradient; give [8, N]: each token's loss, then what `Metrics` has the means of."""
        device = self.scorer.device
        sequence = np.unique(sequence_of_token(batch.lengths)[pack.source], return_inverse=True)

        def at(values: np.ndarray | None, index: np.ndarray = pack.source) -> Tensor | None:
            return None if values is None else torch.from_numpy(values[index]).to(device)

        new, entropy = self.scorer(pack, spec.temperature)
        tokens = Scored(
            new,
            at(batch.old_logprobs),
            at(batch.ref_logprobs),
            at(batch.sample_logprobs),
            at(batch.advantages[sequence[0]], sequence[1]),
            torch.from_numpy(sequence[1]).to(device),
        )
        losses = token_losses(tokens, spec)
        (losses.loss.sum() / normalizer).backward()
        reported = (
            losses.loss.detach(),
            losses.kl,
            entropy,
            losses.clipped,
            losses.ratio,
            losses.importance,
            losses.capped,
            losses.sampler_kl,
        )
        return torch.stack([values.float() for values in reported]).cpu().numpy()

    def _overflowing(self, batch: Batch, spec: LossSpec, normalizer: float) -> list[int]:
        """Sequences whose gradient is not finite, each computed alone."""
        wrong = []
        for sequence in np.unique(sequence_of_token(batch.lengths)[batch.mask]):
            self.model.zero_grad(set_to_none=True)
            self._accumulate(batch.only(sequence), spec, normalizer)
            if not math.isfinite(self._gradient_norm()):
                wrong.append(int(sequence))
        return wrong

    def _gradient_norm(self) -> float:
        self.scorer.ranks.mark()
        grads = [parameter.grad for parameter in self._parameters.values() if parameter.grad is not None]
        return whole_tensor(torch.nn.utils.get_total_norm(grads)).item()

    def optim_step(self, adam: Adam) -> float:
        """One AdamW step on the accumulated gradient, zero if there is none, which is then zero.

        Returns its global norm before clipping. A gradient that is not finite is lost, and nothing else
        changes. Raises not_finite.
        """
        for parameter in self._parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        norm = self._gradient_norm()
        if not math.isfinite(norm):
            self.model.zero_grad(set_to_none=True)
            raise WorkerFailure(ErrorCode.NOT_FINITE, f"the gradient's norm is {norm}; no step was taken")
        if adam.max_grad_norm > 0:
            # As torch.nn.utils.clip_grad_norm_ has it; that one takes no shards and whole tensors together.
            factor = adam.max_grad_norm / (norm + 1e-6)
            for parameter in self._parameters.values() if factor < 1 else ():
                parameter.grad.mul_(factor)
        for group in self._optimizer.param_groups:
            group["lr"], group["betas"] = adam.learning_rate, (adam.beta1, adam.beta2)
            group["eps"] = adam.epsilon
            decays = adam.decay_vectors or not group["vectors"]
            group["weight_decay"] = adam.weight_decay if decays else 0.0
        self._optimizer.step()
        self.model.zero_grad(set_to_none=True)
        return norm

    @property
    def steps(self) -> int:
        """Steps that the optimiser has taken; 0 for a fresh one."""
        state = next(iter(self._optimizer.state.values()), None)
        return 0 if state is None else int(state["step"])

    def tensors(self) -> Iterator[Tensor]:
        """Give all that training goes on from: parameters, trained or not, buffers, the gradient, moments."""
        for parameter in self.model.parameters():
            yield parameter
            if parameter.grad is not None:
                yield parameter.grad
        yield from self.model.buffers()
        for state in self._optimizer.state.values():
            yield from state.values()

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """AdamW's state by name (`exp_avg.<parameter>`, ...); empty before the first step."""
        state = self._optimizer.state
        return {
            f"{kind}.{name}": tensor
            for name, parameter in self._parameters.items()
            for kind, tensor in state.get(parameter, {}).items()
        }

    def restore(self, source: PreTrainedModel | None, optimizer_tensors: dict[str, Tensor]) -> None:
        """Take over a model's weights and a saved optimiser state (empty: a fresh one); drop the gradient.

        Of a model that is cut up, rank 0 alone needs them.
        """
        ranks = self.scorer.ranks
        fill(self.model, source, ranks)
        self.model.zero_grad(set_to_none=True)
        self._optimizer = self._fresh_optimizer()
        if not ranks.broadcast(torch.tensor(len(optimizer_tensors))):
            return
        for name, parameter in self._parameters.items():
            state = self._optimizer.state[parameter]
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            for kind, tensor in state.items():
                fill_tensor(tensor, optimizer_tensors.get(f"{kind}.{name}"), ranks)


@torch.no_grad()
def average_weights(model: PreTrainedModel, towards: PreTrainedModel, share: float) -> None:
    """Move parameters in place: w <- w + share * (v - w), v those of `towards`, of the same shapes."""
    # Not the state dict: there a tied parameter has two names, and would be moved twice.
    others = dict(towards.named_parameters())
    pairs = [(w, as_held(others[name].to(w.device, w.dtype), w)) for name, w in model.named_parameters()]
    for w, v in pulse.each(pairs):
        w.lerp_(v, share)


@torch.no_grad()
def copy_weights(source: PreTrainedModel, target: PreTrainedModel) -> None:
    """Copy a model's own tensors in place, each to its target's device and type; see `own_tensors`."""
    weights = source.state_dict()
    for name, tensor in pulse.each(own_tensors(target).items()):
        tensor.copy_(as_held(weights[name], tensor))
