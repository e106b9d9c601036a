"""The feed of a job: its call, and those of the jobs that wait right behind it and may join."""

from __future__ import annotations

from collections.abc import Callable

from rzero_worker import protocol as p
from rzero_worker.context import Context
from rzero_worker.feed import Call, Feed, Outcome
from rzero_worker.job import Job, params_of
from rzero_worker.job_queue import JobQueue


class JobFeed(Feed):
    """Samples of one model. The first job in the queue that is something else ends it: order is kept."""

    def __init__(
        self,
        job: Job,
        jobs: JobQueue,
        context_of: Callable[[Job], Context],
        end: Callable[[Job, Outcome], None],
    ) -> None:
        """Begin with a job that was taken; `end` is told what became of each job, once."""
        self._jobs = jobs
        self._context_of = context_of
        self._end = end
        self._first: Job | None = job
        self._model_id = ""
        self._open: set[Job] = {job}
        self._refused: Job | None = None

    def take(self, room: int) -> list[Call]:
        """See Feed."""
        taken: list[Call] = []
        while room > 0 and (call := self._next()) is not None:
            taken.append(call)
            room -= len(call.params.conversations) * call.params.n
        return taken

    def fail_all(self, error: Exception) -> None:
        """End the calls that have no end yet by a failure."""
        for job in sorted(self._open, key=lambda one: one.id):
            self._close(job, error)

    def _next(self) -> Call | None:
        if self._first is not None:
            job, self._first = self._first, None
            try:
                params = params_of(job)
            except Exception as error:
                self._close(job, error)
                return None
            self._model_id = params.model_id
            return self._call(job, params)
        while (job := self._jobs.next) is not None and job is not self._refused:
            params = self._joining(job)
            if params is None:
                self._refused = job  # asked again before each token, it need not be decoded each time
                return None
            if self._jobs.take_also(job):  # else it was cancelled a moment ago
                self._open.add(job)
                return self._call(job, params)
        return None

    def _joining(self, job: Job) -> p.SampleParams | None:
        """Give the params of a job that may join. What is wrong with them, a job hears in its own turn."""
        if job.verb.params is not p.SampleParams:
            return None
        try:
            params = params_of(job)
        except Exception:
            return None
        return params if params.model_id == self._model_id else None

    def _call(self, job: Job, params: p.SampleParams) -> Call:
        return Call(params, self._context_of(job), lambda outcome: self._close(job, outcome))

    def _close(self, job: Job, outcome: Outcome) -> None:
        self._open.remove(job)
        self._end(job, outcome)
