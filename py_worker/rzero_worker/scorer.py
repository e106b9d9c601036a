"""A model as a function from packed sequences to the log-probs of their tokens."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule
from transformers import PreTrainedModel

from rzero_worker import pulse
from rzero_worker.attention import IGNORED_MASK, Layout, NotPackable, use_own_attention
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import accepts_positions
from rzero_worker.packing import Pack, idle_pack, make_packs, make_rectangles, share_budget
from rzero_worker.protocol import Packing
from rzero_worker.ranks import ALONE, Ranks
from rzero_worker.vocabulary import Projection, token_logprobs

log = logging.getLogger(__name__)

LAYER_TYPES = {"full_attention", "sliding_attention"}
"""Kinds of layers that `attend` can pack."""

PROBE = ((5, 3, 4, 2), (-1, 0, 0, -1))
"""Runs and prefixes of the pack that a model is tried with: a prompt, two continuations, one alone."""

PACK_TOKENS = {"cpu": 2048, "cuda": 16384}
"""Tokens of a pack where nobody says, by kind of device: what suits a CPU's caches, what keeps a GPU busy."""

SCALES = ("logit_scale", "logits_scaling", "lm_head_multiplier")
"""Fields of a config by which logits are multiplied or divided: Cohere's; Granite's, who divides, and
HyperCLOVA X's, who multiplies; Falcon-H1's."""

SOFT_CAPS = ("final_logit_softcapping", "logits_soft_cap")
"""Fields of a config that cap logits: the Gemma family's, RecurrentGemma's."""

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""How far hidden states may be apart, relative to the largest one, when the same is computed in two ways.
What is wrong is wrong by about 1."""


@dataclass(frozen=True)
class Traits:
    """What trying a model says of it."""

    projection: Projection
    packs: bool  # whether sequences can be packed exactly

    @classmethod
    @torch.no_grad()
    def of(cls, model: PreTrainedModel) -> Traits:
        """Try a model in eval mode; the log says once if it cannot be packed. Raises model_unloadable."""
        projection, reason = _projection_of(model), _why_not_packable(model)
        if reason is not None:
            _say_padded(type(model).__name__, reason)
        return cls(projection, reason is None)

    def pack(self) -> bytes:
        """Write them down for another rank."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, packed: bytes) -> Traits:
        """Read what `pack` wrote."""
        fields = json.loads(packed)
        return cls(Projection(**fields["projection"]), fields["packs"])


def packing_without_weights(model: PreTrainedModel) -> tuple[Packing, str]:
    """Say of a model on the meta device, in eval mode, how `Traits.of` would have it trained, and why.

    What only its weights can tell, a difference of hidden states say, is taken to be as it should be.
    """
    try:
        reason = _why_not_packable(model)
    except (NotImplementedError, RuntimeError):  # it looks at values, as a choice between experts does
        return Packing.TRIED, "that shows when its weights are there"
    return (Packing.PACKS, "") if reason is None else (Packing.PADDED, reason)


@cache
def _say_padded(name: str, reason: str) -> None:
    log.warning("%s cannot be packed exactly (%s): sequences are padded instead", name, reason)


class Scorer(torch.nn.Module):
    """Log-probs of tokens under one model, in packs where the model can, else in rectangles."""

    def __init__(
        self,
        model: PreTrainedModel,
        budget: int,
        traits: Traits | None = None,
        ranks: Ranks = ALONE,
        device: torch.device | None = None,
    ) -> None:
        """Make a scorer of a whole model, or of one that sharding.py is about to cut up.

        Args:
            model: in eval mode.
            budget: most tokens of a pack.
            traits: what the model can do; by default that is tried here.
            ranks: over which the model is cut up.
            device: what computes, where weights may lie elsewhere; None: where they lie.

        Raises model_unloadable for a model whose logits cannot be computed from its hidden states in parts.
        """
        super().__init__()
        self.model = model
        self.budget = budget
        self.ranks = ranks
        self._device = device
        self._has_run = False
        traits = traits or Traits.of(model)
        if traits.packs:
            use_own_attention(model)
        self.projection, self.packs = traits.projection, traits.packs

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device or self.model.device

    @property
    def is_sharded(self) -> bool:
        """Whether the model is cut up. It then computes in the type that sharding.py was told."""
        return isinstance(self, FSDPModule)

    def make_packs(
        self, tokens: np.ndarray, lengths: np.ndarray, mask: np.ndarray
    ) -> list[tuple[Pack, Sequence[Pack]]]:
        """Cut concatenated sequences into what `forward` takes; see packing.py.

        Returns rounds: this rank's pack, and those of all ranks. All must compute as many; packs of one round
        are of like size, since they wait for each other.
        """
        make = make_packs if self.packs else make_rectangles
        packs = make(tokens, lengths, mask, self.budget)
        if self.ranks.size > 1:
            packs = make(tokens, lengths, mask, share_budget(packs, self.budget, self.ranks.size))
            packs.sort(key=lambda pack: pack.tokens.size, reverse=True)
        return self.ranks.rounds(packs, idle_pack(self.packs))

    def rest(self) -> None:
        """Let go of what a forward pass has gathered, where no backward pass will do so."""
        if self.is_sharded and self._has_run:
            self.reset_iter_state()

    def _precision(self) -> AbstractContextManager:
        """bfloat16 matrix products on CUDA, float32 throughout on a CPU."""
        whole_on_cuda = self.device.type == "cuda" and not self.is_sharded
        return torch.autocast("cuda", torch.bfloat16) if whole_on_cuda else nullcontext()

    def forward(self, pack: Pack, temperature: float) -> tuple[Tensor, Tensor]:
        """Log-probs [N] of a pack's targets under softmax(logits / temperature), and those softmaxes'
        entropies.

        Both float32; only the log-probs have a gradient.
        """
        self._has_run = True
        pulse.beat()
        device = self.device
        tokens = torch.from_numpy(pack.tokens).to(device)
        with self._precision():
            hidden = hidden_states(self.model, tokens, pack.layout).flatten(0, 1)
            head = self.model.get_output_embeddings()
            return token_logprobs(
                hidden.index_select(0, torch.from_numpy(pack.outputs).to(device)),
                head.weight,
                head.bias,
                torch.from_numpy(pack.targets).to(device),
                temperature=temperature,
                projection=self.projection,
                elements=2 ** (28 if device.type == "cuda" else 24),  # 1 GiB of float32, or 64 MiB
            )


@contextmanager
def _listening(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    """Collect what the output projection is given, and give it no rows, so that no logits are computed."""
    found: list[Tensor] = []

    def hook(_module: torch.nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        found.append(args[0])
        return (args[0][:, :0], *args[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(hook)
    try:
        yield found
    finally:
        handle.remove()


def hidden_states(model: PreTrainedModel, tokens: Tensor, layout: Layout | None) -> Tensor:
    """What the output projection is given, [B, T, H], for tokens [B, T]; packed where there is a layout."""
    given = {}
    if layout is not None:
        given = {
            "layout": layout,
            "position_ids": layout.positions.to(tokens.device),
            "attention_mask": IGNORED_MASK.to(tokens.device),
        }
    with _listening(model) as found:
        model(input_ids=tokens, use_cache=False, **given)
    return found[0]


def _probe_tokens(model: PreTrainedModel, count: int) -> Tensor:
    vocabulary = model.get_input_embeddings().weight.shape[0]
    return (7919 * torch.arange(1, count + 1, device=model.device) % vocabulary).unsqueeze(0)


def _why_not_packable(model: PreTrainedModel) -> str | None:
    """Say why a model cannot be packed, None if it can: by what it is, and by trying."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    if unknown := set(kinds or ()) - LAYER_TYPES:
        return f"it has layers of kind {min(unknown)}"
    if getattr(config, "attention_chunk_size", None) is not None:
        return "it attends in chunks"
    if not accepts_positions(model):
        return "it takes no position_ids"
    if not use_own_attention(model):
        return f"its attention is {model.config._attn_implementation}"
    runs, prefixes = PROBE
    layout = Layout(runs, prefixes)
    tokens = _probe_tokens(model, sum(runs))
    try:
        packed = hidden_states(model, tokens, layout)[0].split(runs)
    except (NotPackable, TypeError) as error:
        return str(error)
    # A window is longer than a probe, so whether it reaches the attention is asked, not tried.
    has_window = getattr(config, "sliding_window", None) is not None and getattr(
        config, "use_sliding_window", True
    )
    windowed = kinds.count("sliding_attention") if kinds else len(layout.windows) * bool(has_window)
    if not layout.windows or sum(window is not None for window in layout.windows) != windowed:
        return "its attention does not know of its layers' windows"
    if model.device.type == "meta":  # no values to compare
        return None
    parts = tokens[0].split(runs)
    for run, prefix in enumerate(prefixes):
        before = parts[prefix] if prefix >= 0 else parts[run][:0]
        alone = hidden_states(model, torch.cat([before, parts[run]])[None], None)[0, len(before) :]
        if _apart(packed[run], alone) > TOLERANCE.get(alone.dtype, 0.1):
            return "a packed sequence has other hidden states than alone"
    return None


def _apart(a: Tensor, b: Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max().clamp(min=1e-6)).item()


def _projection_of(model: PreTrainedModel) -> Projection:
    """Find out what a model does to its logits beyond the projection, by trying. Raises model_unloadable."""
    head = model.get_output_embeddings()
    tokens = _probe_tokens(model, 8)
    found: list[Tensor] = []
    handle = head.register_forward_hook(lambda _module, _args, output: found.append(output))
    try:
        logits = model(input_ids=tokens, use_cache=False).logits.float()
    finally:
        handle.remove()
    config = model.config.get_text_config()
    given = [
        value for name in SCALES if isinstance(value := getattr(config, name, None), (int, float)) and value
    ]
    cap = next((value for name in SOFT_CAPS if (value := getattr(config, name, None))), None)
    candidates = [Projection(scale, cap) for scale in (1.0, *given, *(1 / value for value in given))]
    if isinstance(head, torch.nn.Linear):
        identity = torch.eye(1, dtype=found[0].dtype, device=logits.device)

        def error(projection: Projection) -> float:
            made = projection.logits(found[0].flatten()[:, None], identity, None, 1.0)
            return _apart(made.view_as(logits), logits)

        # The best, not the first that will do: in bfloat16, scales may be closer together than the tolerance.
        best = min(candidates, key=error)
        if error(best) <= TOLERANCE.get(found[0].dtype, 0.1):
            return best
    name = type(model).__name__
    problem = "what it does to its logits is neither a scale nor a soft cap of its config"
    raise WorkerFailure("model_unloadable", f"{name} cannot be scored: {problem}")
