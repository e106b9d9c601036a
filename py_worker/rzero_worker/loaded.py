"""A model under the name that requests know it by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rzero_worker.model import context_length
from rzero_worker.protocol import Capability, LoadModelResult
from rzero_worker.scorer import Scorer
from rzero_worker.trainer import Trainer


@dataclass
class Loaded:
    """`trainer` holds the trained weights, `published` those that `sample` uses."""

    tokenizer: PreTrainedTokenizerBase
    published: PreTrainedModel
    trainer: Trainer | None
    version: int = 0
    own_scorer: Scorer | None = None

    def scorer(self, budget: int) -> Scorer:
        """Of the trained weights, in packs of at most `budget` tokens; a frozen model's is made here."""
        if self.trainer is not None:
            return self.trainer.scorer
        if self.own_scorer is None or self.own_scorer.model is not self.trained:
            self.own_scorer = Scorer(self.trained, budget)
        return self.own_scorer

    @property
    def trained(self) -> PreTrainedModel:
        """The model with the trained weights; a frozen one's are the published ones."""
        return self.trainer.model if self.trainer is not None else self.published

    def like(self, path: str) -> PreTrainedModel:
        """Give what a checkpoint is compared with before it is loaded: names and shapes count."""
        return self.trained

    @property
    def steps(self) -> int:
        """Steps that the optimiser has taken."""
        return self.trainer.steps if self.trainer is not None else 0

    def tensors(self, role: Capability) -> Iterator[Tensor]:
        """Give the tensors that a role needs."""
        if role is Capability.SAMPLE:
            yield from _tensors(self.published)
        elif self.trainer is not None:
            yield from self.trainer.tensors()
        else:
            yield from _tensors(self.published)

    def describe(self) -> LoadModelResult:
        """Say what `load_model` answers with."""
        return LoadModelResult(
            architecture=type(self.published).__name__,
            parameters=self.published.num_parameters(),
            vocabulary_size=self.published.get_output_embeddings().weight.shape[0],
            context_length=context_length(self.published, self.tokenizer),
            weights_version=self.version,
        )


def _tensors(model: PreTrainedModel) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
