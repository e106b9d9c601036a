"""A worker that computes nothing: what a call to it takes is what the way there and back takes."""

import math
import sys
from array import array

from rzero_worker import backends
from rzero_worker import protocol as p
from rzero_worker.__main__ import main
from rzero_worker.backend import Backend

LOGPROBS = array("f", (-math.log1p(index % 997) for index in range(2**17))).tobytes()
"""Answers are cut from these: zeros would be shorter than log-probs are when written as text."""


class EchoBackend(Backend):
    """Answers the verbs that the bench calls at once; each model is the same one."""

    name = "echo"

    def versions(self) -> dict[str, str]:
        """Depend on nothing."""
        return {}

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """Load nothing."""
        return p.LoadModelResult(
            architecture="echo", parameters=0, vocabulary_size=2**18, context_length=2**17, weights_version=0
        )

    def forward(self, params: p.ForwardParams, context: object) -> p.ForwardResult:
        """Return as many log-probs as there are tokens."""
        return p.ForwardResult(logprobs=LOGPROBS[: len(params.tokens)])

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """Return constants."""
        return p.ForwardBackwardResult(
            loss=0.5,
            kl=0.0,
            entropy=1.0,
            clip_fraction=0.0,
            ratio_mean=1.0,
            importance_mean=1.0,
            importance_capped=0.0,
            sampler_kl=0.0,
            tokens=len(params.batch.mask),
        )

    def _unused(self, *_: object) -> None:
        raise NotImplementedError

    inspect_model = unload_model = sample = optim_step = publish_weights = average_weights = save_checkpoint = load_checkpoint = _unused


backends.create = lambda *_: EchoBackend()
sys.exit(main())
