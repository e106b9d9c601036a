"""What the server asks of a backend: one method a verb of proto/protocol.yml, structs in, structs out.

Rules that types cannot say:

- Calls come one at a time, all from the process's main thread; a backend needs no locks. Those of a feed,
  requests of `sample` that may be worked on together, are one call of `sample_together` (`feed.py`).
- Params arrive checked for types, ranges and array lengths (`checks.py`). What only the backend knows,
  such as the size of its vocabulary, it checks itself, before it changes anything.
- Repeats of a gradient verb never arrive here: the server's ledger answers them (`ledger.py`).
- A method fails by raising `WorkerFailure`. Any other exception goes to the caller as `internal` with its
  traceback, unless `failure_of` knows better. A call that fails leaves the model as it was before it.
- Packed arrays are little-endian `bytes` in both directions; `wire.py` has the helpers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from rzero_worker import protocol as p
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.feed import Feed

NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class Backend(ABC):
    """Models and what is done to them. Each has trained weights and published ones, which `sample` uses."""

    name: ClassVar[str]
    capabilities: ClassVar[Sequence[p.Capability]] = ("sample", "train")
    losses: ClassVar[Sequence[p.Loss]] = ("policy_gradient", "grpo", "gspo", "cispo")

    @property
    def devices(self) -> Sequence[str]:
        """Devices whose memory it fills, by names that all processes have for them; none: the host's."""
        return ()

    @property
    def rows(self) -> int:
        """Samples that it decodes side by side; with fewer at hand it is partly idle."""
        return 1

    def offer(self, roles: Sequence[p.Capability]) -> None:  # noqa: B027 - most do not care
        """Hear, before any call, which roles the worker offers: for others nothing need be held ready."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Name the software that results depend on, e.g. {"python": "3.11.4", "torch": "2.13.0"}."""

    @abstractmethod
    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """Load weights and tokenizer; both kinds of weights start equal, at version 0.

        Raises invalid_request, naming the field, for a `training` that the backend cannot do.
        """

    @abstractmethod
    def inspect_model(self, params: p.InspectModelParams) -> p.InspectModelResult:
        """Say what a source is, and what would be made of conversations; it is not loaded."""

    @abstractmethod
    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """Forget a model and free its memory."""

    @abstractmethod
    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """Draw from the published weights. Progress counts finished samples of `len(conversations) * n`.

        Sample j of conversation i depends on (seeds[i], j) and on conversation i alone, not on its
        neighbours. Log-probs are those of the distribution drawn from: after temperature, top-k and
        top-p, renormalised; greedy (temperature 0) draws from a point mass, so they are 0. A sample ends
        with a stop token, or with the token that completes a stop string in its text. Raises stale_weights
        where the published weights are not of the version asked for.
        """

    def sample_together(self, feed: Feed) -> None:
        """Work on the calls of a feed until it has none left, and end each as soon as it is done.

        A backend that decodes many samples side by side takes calls in while it works on others. Here they
        are done one after another, so that equal calls give equal bytes. What is raised fails all calls that
        were taken and have no end yet.
        """
        while calls := feed.take(1):
            for call in calls:
                try:
                    call.answer(self.sample(call.params, call.context))
                except Exception as error:
                    call.fail(error)

    @abstractmethod
    def forward(self, params: p.ForwardParams, context: Context) -> p.ForwardResult:
        """Log-probs of given tokens under the trained weights, 0 for a sequence's first token."""

    @abstractmethod
    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """Add the gradient of the batch's loss, as proto/README.md has it, to the trained weights' gradient.

        Raises not_finite, naming the sequences by index, for a loss or gradient that is not; the gradient is
        what it was then. After out_of_memory, the next call is to compute less at once.
        """

    @abstractmethod
    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        """One AdamW step on the accumulated gradient (zero if there is none), which is then zero.

        Raises not_finite for a gradient whose norm is not: it is zero then, and all else what it was.
        """

    @abstractmethod
    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """Copy the trained weights to the published ones, of the version asked for or else one more.

        At the version asked for already, nothing changes. The proof is of what `sample` draws from then, so
        an engine that has not got the trained weights is found out. Raises stale_weights for that, and for a
        version below the present one.
        """

    @abstractmethod
    def average_weights(self, params: p.AverageWeightsParams) -> p.AverageWeightsResult:
        """Move the trained weights by `share` towards those of `towards`, which stays as it is.

        A frozen model's weights are its published ones too: its version becomes one more. Raises
        invalid_request for a model of another shape.
        """

    @abstractmethod
    def save_checkpoint(
        self, params: p.SaveCheckpointParams, extras: Mapping[str, bytes] = NO_FILES
    ) -> p.SaveCheckpointResult:
        """Write the trained weights to a new folder: written beside it, then renamed, so whole or absent.

        `extras` are further files of the checkpoint, by name: the server's own. `manifest.write` comes after
        everything else and gives the result its `manifest_sha256`.
        """

    @abstractmethod
    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """Put a saved folder's weights back, as trained and published ones.

        The server has compared the folder with its manifest, and that with `manifest_sha256`. The version
        becomes the one asked for, or one more.

        The optimiser becomes the saved one, or fresh if none was saved, and `steps` says how many it has
        taken; the gradient becomes zero. The proof is of the published weights.
        """

    def sleep(self, params: p.SleepParams) -> p.SleepResult:
        """Let go of a device's memory that a role alone takes; models stay.

        What is in it goes to the host's memory. The executor asks no role twice, and wakes those that a verb
        needs (`executor.NEEDS`) before it calls it.
        """
        return p.SleepResult(freed_bytes=0)

    def wake(self, params: p.WakeParams) -> p.WakeResult:
        """Take back what `sleep` has let go of. Raises out_of_memory, and sleeps on then."""
        return p.WakeResult()

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        """Translate an exception of the backend's libraries, e.g. theirs for a full memory; None: unknown."""
        return None

    def stopping(self) -> None:  # noqa: B027 - most backends have nobody to tell
        """Hear that the worker stops: a call that runs gets SHUTDOWN_SECONDS. Called from another thread."""

    def close(self) -> None:  # noqa: B027 - most backends have nothing to free
        """Free what the process's end does not free by itself."""
