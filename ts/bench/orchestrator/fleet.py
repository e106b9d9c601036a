"""Many mock workers in one process: each with a socket of its own, a Hello, heartbeats, and answers.

They draw nothing. An answer comes when a worker of the given speed would have it, and the process keeps
account of how long its workers had nothing to do. When stdin ends it prints that as one JSON object.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import resource
import select
import sys
import time
from array import array
from collections import defaultdict
from typing import NamedTuple

import msgspec
import zmq

from rzero_worker import protocol as p
from rzero_worker.wire import encode

VARIANTS = 16
"""Answers that there are for requests of one size; the next request gets the next."""

PROMPT_TOKENS = 64


class Sample(msgspec.Struct, rename="camel"):
    """What of the params of `sample` matters here."""

    conversations: list[msgspec.Raw]
    n: int
    weights_version: int


class Publication(msgspec.Struct, rename="camel"):
    """The same of `publish_weights`."""

    weights_version: int


INCOMING = msgspec.msgpack.Decoder(p.Welcome | p.Refusal | p.Request)
SAMPLE = msgspec.msgpack.Decoder(Sample)
PUBLICATION = msgspec.msgpack.Decoder(Publication)
PROOF = p.WeightsProof(checksum="0" * 64, probe=array("f", [-1.0] * 16).tobytes())


class Answers:
    """Ready batches of samples, as of a Solver that works out sums."""

    def __init__(self, tokens: int) -> None:
        """Have samples of so many tokens."""
        self._tokens = tokens
        self._batches: dict[tuple[int, int], list[p.SampleBatch]] = {}
        self._random = random.Random(1)
        self._given = 0

    def __call__(self, conversations: int, n: int, version: int) -> bytes:
        """Give the packed result of a request."""
        batches = self._batches.get((conversations, n))
        if batches is None:
            batches = self._batches[conversations, n] = [
                self._make(conversations, n) for _ in range(VARIANTS)
            ]
        self._given += 1
        return encode(msgspec.structs.replace(batches[self._given % VARIANTS], weights_version=version))

    def _make(self, conversations: int, n: int) -> p.SampleBatch:
        draw, samples = self._random, conversations * n
        texts = [text for _ in range(conversations) for text in self._texts(n)]
        return p.SampleBatch(
            weights_version=0,
            prompt_tokens=array(
                "i", (draw.randrange(50_000) for _ in range(conversations * PROMPT_TOKENS))
            ).tobytes(),
            prompt_lengths=array("i", [PROMPT_TOKENS] * conversations).tobytes(),
            tokens=array("i", (draw.randrange(50_000) for _ in range(samples * self._tokens))).tobytes(),
            lengths=array("i", [self._tokens] * samples).tobytes(),
            logprobs=array("f", (-draw.expovariate(2) for _ in range(samples * self._tokens))).tobytes(),
            texts=texts,
            stop_reasons=[p.StopReason.STOP] * samples,
        )

    def _texts(self, n: int) -> list[str]:
        draw = self._random
        start, add, times = draw.randrange(100), draw.randrange(10), draw.randrange(2, 10)
        texts = []
        for _ in range(n):
            # Two of three are right; the others slip in the last step.
            first = (start + add) % 100
            last = (first * times + (0 if draw.random() < 2 / 3 else draw.randrange(1, 4))) % 100
            texts.append(
                f"Start with {start}. Adding {add} gives {first}. Multiplying {first} by {times} gives "
                f"{first * times}, of which the last two digits are {last}. "
                f"So the final answer is \\boxed{{{last}}}."
            )
        return texts


class Task(NamedTuple):
    """A request to sample that is to be answered."""

    id: int
    conversations: int
    n: int
    version: int


class Worker:
    """One worker: its socket, and what it has to do."""

    def __init__(self, socket: zmq.Socket) -> None:
        """Have nothing to do yet."""
        self.socket = socket
        self.waiting = 0
        self.free_at = 0.0
        self.done_at = 0.0
        self.version = -1


class Account:
    """What the workers did and waited for."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.received = self.sent = 0
        # Within the samples of one version: seconds without work, though more was to come.
        self.idle = 0.0
        # By version: the first request of each worker (how many, and the sum of times), and the last answer.
        self.firsts: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])
        self.lasts: dict[int, float] = defaultdict(float)

    def report(self) -> str:
        """All of it, times in seconds of CLOCK_MONOTONIC."""
        return json.dumps(
            {
                "received": self.received,
                "sent": self.sent,
                "idleSeconds": self.idle,
                "firsts": {str(version): first for version, first in self.firsts.items()},
                "lasts": {str(version): last for version, last in self.lasts.items()},
            }
        )


class Fleet:
    """The workers, in one thread."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Connect them all."""
        self._answers = Answers(options.tokens)
        self._seconds_per_sample = options.seconds_per_sample
        self._account = Account()
        self._epoll = select.epoll()
        self._workers: dict[int, Worker] = {}
        self._heartbeat = float("inf")
        self._due: list[tuple[float, int, Worker, Task | None]] = []
        self._events = 0
        context = zmq.Context()
        context.set(zmq.MAX_SOCKETS, 65_535)
        for number in range(options.first, options.first + options.workers):
            socket = context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.SNDHWM, 0)
            socket.connect(options.connect)
            worker = Worker(socket)
            self._workers[socket.getsockopt(zmq.FD)] = worker
            self._epoll.register(socket.getsockopt(zmq.FD), select.EPOLLIN)
            self._send(worker, encode(_hello(number, options.rows)))

    def run(self) -> None:
        """Serve until stdin ends."""
        stdin = sys.stdin.fileno()
        self._epoll.register(stdin, select.EPOLLIN | select.EPOLLHUP)
        # What came with the Hello's own events tells the descriptors nothing.
        for worker in self._workers.values():
            self._take(worker)
        while True:
            timeout = max(0.0, self._due[0][0] - time.monotonic()) if self._due else 1.0
            for descriptor, _ in self._epoll.poll(timeout):
                if descriptor == stdin:
                    return
                self._take(self._workers[descriptor])
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, worker, task = heapq.heappop(self._due)
                if task is None:
                    self._beat(worker)
                else:
                    self._answer(worker, task)
                self._take(worker)

    def report(self) -> str:
        """Say what was done."""
        return self._account.report()

    def _take(self, worker: Worker) -> None:
        """Take what is there. A descriptor tells of news only: whoever sends has to look again too."""
        while worker.socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            message = INCOMING.decode(worker.socket.recv())
            self._account.received += 1
            if isinstance(message, p.Request):
                self._do(worker, message)
            elif isinstance(message, p.Welcome):
                self._heartbeat = message.heartbeat_seconds
                self._later(time.monotonic() + random.random() * self._heartbeat, worker, None)
            else:
                sys.exit(f"refused: {message.error.message}")

    def _do(self, worker: Worker, request: p.Request) -> None:
        if request.verb != "sample":
            self._send(worker, encode(p.Response(id=request.id, result=_result(request))))
            return
        asked = SAMPLE.decode(request.params)
        now, version = time.monotonic(), asked.weights_version
        if version != worker.version:
            first = self._account.firsts[version]
            first[0] += 1
            first[1] += now
        elif worker.waiting == 0:
            self._account.idle += now - worker.done_at
        worker.version = version
        worker.waiting += 1
        task = Task(request.id, len(asked.conversations), asked.n, version)
        if self._seconds_per_sample == 0:
            self._answer(worker, task)
            return
        worker.free_at = max(worker.free_at, now) + task.conversations * task.n * self._seconds_per_sample
        self._later(worker.free_at, worker, task)

    def _answer(self, worker: Worker, task: Task) -> None:
        answer = encode(
            p.Response(id=task.id, result=self._answers(task.conversations, task.n, task.version))
        )
        worker.waiting -= 1
        worker.done_at = self._account.lasts[worker.version] = time.monotonic()
        self._send(worker, answer)

    def _beat(self, worker: Worker) -> None:
        busy = "sample" if worker.waiting > 0 else ""
        queued = max(0, worker.waiting - 1)
        self._send(worker, encode(p.Heartbeat(busy=busy, queued=queued, progress=self._account.sent)))
        self._later(time.monotonic() + self._heartbeat, worker, None)

    def _later(self, due: float, worker: Worker, task: Task | None) -> None:
        """Answer then; without a task, send a heartbeat."""
        self._events += 1
        heapq.heappush(self._due, (due, self._events, worker, task))

    def _send(self, worker: Worker, message: bytes) -> None:
        self._account.sent += 1
        worker.socket.send(message)


def _hello(number: int, rows: int) -> p.Hello:
    return p.Hello(
        protocol_hash=p.PROTOCOL_HASH,
        token=os.environ["RZERO_TOKEN"],
        worker_id=f"mock-{number}",
        instance_id=f"mock-{number}",
        backend="fleet",
        capabilities=[p.Capability.SAMPLE],
        losses=[],
        versions={},
        pid=os.getpid(),
        devices=[],
        rows=rows,
    )


def _result(request: p.Request) -> bytes:
    match request.verb:
        case "load_model":
            shape = {"parameters": 1, "vocabulary_size": 50_000, "context_length": 2**17}
            return encode(p.LoadModelResult(architecture="none", weights_version=0, **shape))
        case "publish_weights":
            version = PUBLICATION.decode(request.params).weights_version
            return encode(p.PublishWeightsResult(weights_version=version, proof=PROOF))
        case "ping":
            return encode(p.PingResult(busy="", progress=0))
        case "shutdown":
            return encode(p.ShutdownResult())
    sys.exit(f"nobody here does {request.verb}")


def main() -> None:
    """Run the fleet that the arguments describe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--seconds-per-sample", type=float, required=True)
    # Three descriptors a socket are more than a shell allows by default.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    fleet = Fleet(parser.parse_args())
    fleet.run()
    print(fleet.report(), flush=True)
    os._exit(0)  # closing a thousand sockets takes a while


main()
