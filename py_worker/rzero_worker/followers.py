"""One backend made of those of all ranks: what rank 0 is asked for, it has the others do too.

Rank 0 alone is on the wire. It sends each call's params on, packed; the others decode them and call the same
method of the same backend, whose collectives make it one call. Rank 0's answer is the answer. A failure that
all ranks meet alike, such as a model that is not known, is an ordinary one. One that a rank meets alone
leaves the ranks in different states, and ends the group (watch.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.distributed as dist

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backend import NO_FILES, Backend
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.feed import Feed, alone
from rzero_worker.ranks import Ranks
from rzero_worker.shared_feed import SharedFeed
from rzero_worker.watch import BROKEN, Watch

log = logging.getLogger(__name__)


class SharedContext(Context):
    """A call's context on every rank: whether it is cancelled is rank 0's word, asked at the same places."""

    def __init__(self, ranks: Ranks, own: Context | None = None) -> None:
        """Make a context; rank 0's own one hears of the progress and of the caller."""
        super().__init__()
        self._ranks = ranks
        self._own = own

    def progress(self, done: int, total: int) -> None:
        """See Context."""
        if self._own is not None:
            self._own.progress(done, total)

    @property
    def cancelled(self) -> bool:
        """As in Context. All ranks must ask."""
        own = self._own is not None and self._own.cancelled
        return bool(self._ranks.broadcast(torch.tensor(int(own))))


class Leader(Backend):
    """The backend of rank 0, with the others behind it."""

    def __init__(self, backend: Backend, ranks: Ranks, watch: Watch) -> None:
        """Lead the ranks; the others `follow`."""
        self._backend = backend
        self._ranks = ranks
        self._watch = watch
        self.name, self.capabilities, self.losses = backend.name, backend.capabilities, backend.losses

    @property
    def devices(self) -> Sequence[str]:
        """See Backend."""
        return self._backend.devices

    @property
    def rows(self) -> int:
        """See Backend."""
        return self._backend.rows

    def _lead(self, verb: str, params: p.Base, *more: Any) -> Any:
        return self._together(verb, partial(_perform, self._backend, self._ranks, verb, params, more))

    def _together(self, verb: str, work: Callable[[], Any]) -> Any:
        call = self._watch.announce(verb)
        try:
            return _settled(self._backend, self._watch, call, work)
        finally:
            self._watch.require_agreement(call)

    def versions(self) -> dict[str, str]:
        """See Backend."""
        return self._backend.versions() | {"ranks": str(self._ranks.size)}

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """See Backend."""
        return self._lead("load_model", params)

    def inspect_model(self, params: p.InspectModelParams) -> p.InspectModelResult:
        """See Backend."""
        return self._lead("inspect_model", params)

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """See Backend."""
        return self._lead("unload_model", params)

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """See Backend."""
        return alone(self.sample_together, params, context)

    def sample_together(self, feed: Feed) -> None:
        """See Backend. Which calls join, and which are cancelled, is this rank's word: see SharedFeed."""
        self._together("sample", partial(_sample, self._backend, SharedFeed(self._ranks, feed)))

    def forward(self, params: p.ForwardParams, context: Context) -> p.ForwardResult:
        """See Backend."""
        return self._lead("forward", params, SharedContext(self._ranks, context))

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """See Backend."""
        return self._lead("forward_backward", params)

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        """See Backend."""
        return self._lead("optim_step", params)

    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """See Backend."""
        return self._lead("publish_weights", params)

    def average_weights(self, params: p.AverageWeightsParams) -> p.AverageWeightsResult:
        """See Backend."""
        return self._lead("average_weights", params)

    def save_checkpoint(
        self, params: p.SaveCheckpointParams, extras: Mapping[str, bytes] = NO_FILES
    ) -> p.SaveCheckpointResult:
        """See Backend. Rank 0 writes, also the further files."""
        return self._lead("save_checkpoint", params, extras)

    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """See Backend."""
        return self._lead("load_checkpoint", params)

    def sleep(self, params: p.SleepParams) -> p.SleepResult:
        """See Backend. Of rank 0, which has as much as any other."""
        return self._lead("sleep", params)

    def wake(self, params: p.WakeParams) -> p.WakeResult:
        """See Backend."""
        return self._lead("wake", params)

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        """See Backend."""
        return self._backend.failure_of(error)

    def stopping(self) -> None:
        """See Backend."""
        self._watch.stopping()

    def close(self) -> None:
        """See Backend. Ends the other ranks."""
        self._watch.dismiss()
        self._backend.close()
        dist.destroy_process_group()


def follow(backend: Backend, ranks: Ranks, watch: Watch) -> int:
    """Do what rank 0 does until it ends. Returns the exit code: 0 when it ended in order."""
    while True:
        try:
            call, verb = watch.next_call()
        except dist.DistError as error:
            log.error("rank %d ends: rank 0 is gone (%s)", ranks.rank, str(error).splitlines()[0])
            return BROKEN
        if not verb:
            break
        if verb == "sample":
            work = partial(_sample, backend, SharedFeed(ranks))
        else:
            more = (SharedContext(ranks),) if p.VERBS[verb].progress else ()
            work = partial(_perform, backend, ranks, verb, None, more)
        try:
            _settled(backend, watch, call, work)
        except Exception as error:  # whatever went wrong, rank 0 says whether it did so everywhere
            log.debug("%s failed: %s", verb, error)
    backend.close()
    watch.leave()
    dist.destroy_process_group()
    return 0


def _perform(backend: Backend, ranks: Ranks, verb: str, params: p.Base | None, more: tuple[Any, ...]) -> Any:
    """Make a call on this rank, its params rank 0's."""
    packed = ranks.broadcast_bytes(None if params is None else wire.encode(params))
    if params is None:
        params = wire.decode(packed, p.VERBS[verb].params)
    return getattr(backend, verb)(params, *more)


def _sample(backend: Backend, feed: SharedFeed) -> None:
    backend.sample_together(feed)
    feed.require_same()


def _settled(backend: Backend, watch: Watch, call: int, work: Callable[[], Any]) -> Any:
    """Do this rank's part of a call, and say how it ended."""
    try:
        result = work()
    except Exception as error:
        known = error if isinstance(error, WorkerFailure) else backend.failure_of(error)
        code = p.ErrorCode.INTERNAL if known is None else known.code
        what = f"{type(error).__name__}: {error}" if known is None else known.message
        watch.settle(call, f"{code}: {(what.splitlines() or [''])[0]}")
        raise
    watch.settle(call)
    return result
