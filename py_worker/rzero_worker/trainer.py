"""Training: gradients of a batch in micro-batches, AdamW steps, and log-probs of given tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from rzero_worker.batches import Limits, micro_batches, sequence_of_token
from rzero_worker.errors import WorkerFailure
from rzero_worker.losses import grpo, token_logprobs
from rzero_worker.model import projected_logits
from rzero_worker.protocol import Adam, LossSpec


@dataclass(frozen=True)
class Batch:
    """The TrainBatch struct as arrays; see proto/protocol.yml."""

    tokens: np.ndarray  # int32, concatenated sequences
    lengths: np.ndarray  # int32 [sequences]
    mask: np.ndarray  # bool, aligned with tokens
    advantages: np.ndarray  # float32 [sequences]
    old_logprobs: np.ndarray | None  # float32, aligned with tokens
    ref_logprobs: np.ndarray | None  # float32, aligned with tokens


@dataclass(frozen=True)
class Metrics:
    """What a forward_backward reports. Means are over trained tokens; 0 (ratio_mean: 1) if there are none."""

    loss: float
    kl: float
    entropy: float
    clip_fraction: float
    ratio_mean: float
    tokens: int


def autocast(device: torch.device) -> AbstractContextManager:
    """bfloat16 matrix products on CUDA, float32 throughout on a CPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


@torch.no_grad()
def sequence_logprobs(
    model: PreTrainedModel,
    tokens: np.ndarray,
    lengths: np.ndarray,
    temperature: float,
    limits: Limits,
    after_micro_batch: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Log-probs of given tokens under softmax(logits / temperature).

    Args:
        model: in eval mode.
        tokens: concatenated sequences.
        lengths: [sequences].
        temperature: > 0.
        limits: of a micro-batch.
        after_micro_batch: called with the number of sequences done so far.

    Returns:
        float32, aligned with tokens; 0 for the first token of each sequence.
    """
    result = np.zeros(len(tokens), np.float32)
    mask = np.ones(len(tokens), bool)
    mask[np.cumsum(lengths) - lengths] = False
    done = 0
    for micro in micro_batches(tokens, lengths, mask, limits):
        with autocast(model.device):
            logits = projected_logits(
                model, torch.from_numpy(micro.tokens), torch.from_numpy(micro.positions), use_cache=False
            )
        targets = torch.from_numpy(micro.targets).to(logits.device)
        result[micro.source] = token_logprobs(logits, targets, temperature)[0].cpu().numpy()
        done += len(micro.sequences)
        after_micro_batch(done)
    return result


class Trainer:
    """The trained weights of one model: float32 parameters, their gradient, and AdamW's moments.

    Weight decay applies to every parameter, norms and biases too, as in the code published with the paper
    (torch.optim.AdamW over all parameters).
    """

    def __init__(self, model: PreTrainedModel, limits: Limits, checkpoint_activations: bool = False) -> None:
        """Take over a model in eval mode (no dropout).

        Args:
            model: float32; its parameters become trainable.
            limits: of a micro-batch.
            checkpoint_activations: recompute activations in the backward pass; less memory, more time.
        """
        self.model = model.requires_grad_(True)
        self._limits = limits
        self._parameters = dict(model.named_parameters())
        self._optimizer = self._fresh_optimizer()
        if checkpoint_activations and model.supports_gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            for module in model.modules():
                if isinstance(module, GradientCheckpointingLayer):
                    # It checkpoints in training mode only; its parts stay in eval mode, without dropout.
                    module.training = True

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        # The fused kernel needs no temporaries the size of the model.
        return torch.optim.AdamW(self._parameters.values(), fused=True)

    def forward_backward(self, batch: Batch, loss: LossSpec, normalizer: float) -> Metrics:
        """Add the gradient of sum(token losses * mask) / normalizer; a failure leaves it as it was."""
        before = [parameter.grad for parameter in self._parameters.values()]
        self.model.zero_grad(set_to_none=True)
        try:
            metrics = self._accumulate(batch, loss, normalizer)
            # Found here, an overflow costs this call; found by optim_step, it would cost the others too.
            norm = self._gradient_norm()
            if not math.isfinite(norm) or not math.isfinite(metrics.loss):
                numbers = f"loss {metrics.loss}, gradient norm {norm}"
                raise WorkerFailure("internal", f"not finite: {numbers}; no gradient was added")
        except BaseException:
            for parameter, grad in zip(self._parameters.values(), before, strict=True):
                parameter.grad = grad
            raise
        for parameter, grad in zip(self._parameters.values(), before, strict=True):
            if grad is not None:
                parameter.grad = grad if parameter.grad is None else parameter.grad.add_(grad)
        return metrics

    def _accumulate(self, batch: Batch, spec: LossSpec, normalizer: float) -> Metrics:
        owner = sequence_of_token(batch.lengths)
        device = self.model.device

        def at(values: np.ndarray | None, index: np.ndarray) -> Tensor | None:
            return None if values is None else torch.from_numpy(values[index]).to(device)

        sums = np.zeros(5)  # loss, kl, entropy, clipped, ratio
        count = 0
        for micro in micro_batches(batch.tokens, batch.lengths, batch.mask, self._limits):
            with autocast(device):
                logits = projected_logits(
                    self.model,
                    torch.from_numpy(micro.tokens),
                    torch.from_numpy(micro.positions),
                    use_cache=False,
                )
            new, entropy = token_logprobs(
                logits, torch.from_numpy(micro.targets).to(device), spec.temperature
            )
            losses = grpo(
                new,
                at(batch.old_logprobs, micro.source),
                at(batch.ref_logprobs, micro.source),
                at(batch.advantages, owner[micro.source]),
                clip_low=spec.clip_low,
                clip_high=spec.clip_high,
                dual_clip=spec.dual_clip,
                kl_coef=spec.kl_coef,
            )
            (losses.loss.sum() / normalizer).backward()
            parts = (losses.loss.detach(), losses.kl, entropy, losses.clipped, losses.ratio)
            sums += torch.stack([part.double().sum() for part in parts]).cpu().numpy()
            count += len(micro.targets)
        if count == 0:
            return Metrics(0.0, 0.0, 0.0, 0.0, 1.0, 0)
        return Metrics(float(sums[0] / normalizer), *(float(value) for value in sums[1:] / count), count)

    def _gradient_norm(self) -> float:
        grads = [parameter.grad for parameter in self._parameters.values() if parameter.grad is not None]
        return torch.nn.utils.get_total_norm(grads).item()

    def optim_step(self, adam: Adam) -> float:
        """One AdamW step on the accumulated gradient, zero if there is none, which is then zero.

        Returns its global norm before clipping. A gradient that is not finite fails and changes nothing.
        """
        for parameter in self._parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        norm = self._gradient_norm()
        if not math.isfinite(norm):
            raise WorkerFailure("internal", f"the gradient's norm is {norm}; no step was taken")
        if adam.max_grad_norm > 0:
            torch.nn.utils.clip_grads_with_norm_(
                self._parameters.values(), adam.max_grad_norm, torch.tensor(norm)
            )
        (group,) = self._optimizer.param_groups
        group["lr"], group["betas"] = adam.learning_rate, (adam.beta1, adam.beta2)
        group["eps"], group["weight_decay"] = adam.epsilon, adam.weight_decay
        self._optimizer.step()
        self.model.zero_grad(set_to_none=True)
        return norm

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """AdamW's state by name (`exp_avg.<parameter>`, ...); empty before the first step."""
        state = self._optimizer.state
        return {
            f"{kind}.{name}": tensor
            for name, parameter in self._parameters.items()
            for kind, tensor in state.get(parameter, {}).items()
        }

    def restore(self, source: PreTrainedModel, optimizer_tensors: dict[str, Tensor]) -> None:
        """Take over a model's weights and a saved optimiser state (empty: a fresh one); drop the gradient."""
        copy_weights(source, self.model)
        self.model.zero_grad(set_to_none=True)
        self._optimizer = self._fresh_optimizer()
        for key, tensor in optimizer_tensors.items():
            kind, name = key.split(".", 1)
            parameter = self._parameters[name]
            self._optimizer.state[parameter][kind] = tensor.to(parameter.device, copy=True)


@torch.no_grad()
def average_weights(model: PreTrainedModel, towards: PreTrainedModel, share: float) -> None:
    """Move parameters in place: w <- w + share * (v - w), v those of `towards`, of the same shapes."""
    # Not the state dict: there a tied parameter has two names, and would be moved twice.
    others = dict(towards.named_parameters())
    pairs = [(w, others[name].to(w.device, w.dtype)) for name, w in model.named_parameters()]
    for w, v in pairs:
        w.lerp_(v, share)


@torch.no_grad()
def copy_weights(source: PreTrainedModel, target: PreTrainedModel) -> None:
    """Copy parameters and persistent buffers in place, each to its target's device and type."""
    weights = source.state_dict()
    for name, tensor in target.state_dict().items():
        tensor.copy_(weights[name])
