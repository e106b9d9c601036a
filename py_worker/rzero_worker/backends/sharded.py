"""The torch backend of one rank of a group that trains together: models are cut up, and nothing is sampled.

It is started by torchrun. Whoever samples gets the weights by `save_checkpoint`: here there is no second copy
of them, so `publish_weights` counts and proves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from rzero_worker import checkpoint, proof
from rzero_worker import protocol as p
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.errors import invalid_request
from rzero_worker.loaded import Loaded
from rzero_worker.model import load_tokenizer
from rzero_worker.proof import Proof
from rzero_worker.ranks import Ranks
from rzero_worker.sharding import load_sharded
from rzero_worker.tensors import fill
from rzero_worker.trainer import Trainer
from rzero_worker.weights_version import version_to_publish


class ShardedBackend(TorchBackend):
    """Any causal language model of transformers, trained by all ranks of a group.

    Every rank makes the same calls, and has the same answers but for what is said of files: rank 0 writes
    them. Frozen models are cut up too, in float32 like the others, and not shared.
    """

    capabilities: ClassVar[Sequence[p.Capability]] = (p.Capability.TRAIN,)

    def __init__(self, ranks: Ranks, device: str | None = None) -> None:
        """Set torch up for this process; `device` defaults to this rank's GPU where there are GPUs."""
        super().__init__(device)
        self._ranks = ranks
        self._devices = ranks.gather(super().devices)

    @property
    def devices(self) -> Sequence[str]:
        """See Backend: those of all ranks."""
        return self._devices

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """See Backend."""
        torch.manual_seed(params.seed)
        how = self._training(params)
        if how.lora_rank > 0:
            raise invalid_request(f"training.loraRank: saw {how.lora_rank}, a group of ranks allows 0")
        tokenizer = load_tokenizer(params.source)
        budget = how.pack_tokens or self._budget
        scorer = load_sharded(params.source, budget, self._ranks, self._device, offload=how.offload)
        trainer = Trainer(scorer, recompute=how.recompute) if params.trainable else None
        loaded = Loaded(tokenizer, scorer.model, trainer, own_scorer=scorer)
        self._models[params.model_id] = loaded
        return loaded.describe()

    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """See Backend. Those who sample get the weights by `save_checkpoint`."""
        loaded = self._find(params.model_id)
        version = version_to_publish(loaded.version, params.weights_version)
        published = self._prove(loaded)
        loaded.version = version
        return p.PublishWeightsResult(weights_version=version, proof=published.message())

    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """See Backend. Rank 0 alone reads the folder, which may be of a group of another size."""
        loaded = self._find(params.model_id)
        saved = self._ranks.first_does(lambda: checkpoint.load(params.path, loaded.trained))
        model, optimizer = (None, None) if saved is None else (saved.model, saved.optimizer)
        if loaded.trainer is not None:
            loaded.trainer.restore(model, optimizer or {})
        else:
            fill(loaded.trained, model, self._ranks)
        loaded.version = loaded.version + 1 if params.weights_version is None else params.weights_version
        return p.LoadCheckpointResult(
            weights_version=loaded.version, steps=loaded.steps, proof=self._prove(loaded).message()
        )

    def _prove(self, loaded: Loaded) -> Proof:
        scorer = loaded.scorer(self._budget)
        return Proof(proof.checksum(scorer.model, self._ranks), proof.scored(scorer))
