"""A long call's line to the outside."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import ErrorCode


class Context:
    """It tells how far the call is, and hears that it shall stop."""

    def __init__(
        self,
        report: Callable[[int, int], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Make a context that passes progress to `report` and reads `cancelled`; both may be left out."""
        self._report = report
        self._cancelled = cancelled

    def progress(self, done: int, total: int) -> None:
        """Say that `done` of `total` are finished. Cheap: call it as often as there is news."""
        if self._report is not None:
            self._report(done, total)

    @property
    def cancelled(self) -> bool:
        """Whether the caller no longer wants the answer."""
        return self._cancelled is not None and self._cancelled.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise the failure `cancelled` if the caller has asked for it. Call it at least once a second."""
        if self.cancelled:
            raise WorkerFailure(ErrorCode.CANCELLED, "cancelled by the caller")
