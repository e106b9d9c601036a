"""The vllm backend with vLLM itself, on a CPU: requests that join, sleep, weights that follow a trainer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import conftest
import numpy as np
import pytest
import samples
import torch
from conftest import Launch, Orchestrator

from rzero_worker import protocol as p
from rzero_worker import pulse, wire
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.executor import Executor
from rzero_worker.feed import Call, Feed
from rzero_worker.job import Job
from rzero_worker.job_queue import JobQueue
from rzero_worker.wire import numpy_view

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="needs vLLM: npm run test:vllm")

BASE = str(Path(__file__).resolve().parents[1] / "embedded_base" / "model")
TOLERANCE = 1e-4
"""How far log-probs of vLLM and of the trainer may be apart: 32-bit sums in another order, 4e-5 seen."""

LEARNING_RATE = 1e-3
"""Of steps after which log-probs are 100 times TOLERANCE away from what they were."""


# In this process


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Importing vLLM takes ten seconds, and several times that on a machine that is busy."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conftest, "TIMEOUT_MS", 120_000)
        yield


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """Imported when it is needed: that takes ten seconds."""
    return import_module("rzero_worker.backends.vllm")


@pytest.fixture
def backend(module: ModuleType) -> Iterator:
    """With the embedded base as the trained model m."""
    made = module.VllmBackend("cpu")
    made.load_model(samples.load(source=BASE))
    yield made
    made.unload_model(p.UnloadModelParams(model_id="m"))


class Outputs:
    """What vLLM hands out while it is watched."""

    def __init__(self, backend, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list = []
        engine = backend._models["m"].engine._llm.llm_engine
        step = engine.step

        def watched() -> list:
            found = step()
            self.seen.extend(found)
            return found

        monkeypatch.setattr(engine, "step", watched)


class Given(Feed):
    """Calls by the step at which they come."""

    def __init__(self, *calls: tuple[int, p.SampleParams]) -> None:
        self.ended: list[tuple[int, object]] = []
        self.rooms: list[int] = []
        self._calls = [
            (at, Call(params, Context(), lambda outcome, number=number: self.ended.append((number, outcome))))
            for number, (at, params) in enumerate(calls)
        ]

    def take(self, room: int) -> list[Call]:
        come = [call for at, call in self._calls if at <= len(self.rooms)] if room else []
        self._calls = [one for one in self._calls if one[1] not in come]
        self.rooms.append(room)
        return come


def sequences(result: p.SampleResult) -> tuple[list[list[int]], np.ndarray]:
    lengths, tokens = numpy_view(result.lengths, "i4"), numpy_view(result.tokens, "i4")
    return [run.tolist() for run in np.split(tokens, np.cumsum(lengths)[:-1])], numpy_view(
        result.logprobs, "f4"
    )


def test_calls_share_a_batch_and_each_gets_what_it_gets_alone(backend) -> None:
    long = samples.sample(n=4, max_tokens=100)
    short = samples.sample([samples.conversation("7+8")], n=3, seeds=[9], max_tokens=4, temperature=0.7)
    greedy = samples.sample(n=1, seeds=[5], max_tokens=6, temperature=0.0)
    stale = samples.sample(weights_version=3)
    alone = [sequences(backend.sample(asked, Context())) for asked in (long, short, greedy)]
    assert max(map(len, alone[0][0])) > 20
    feed = Given((0, long), (10, short), (10, stale), (12, greedy))
    backend.sample_together(feed)
    assert [number for number, _ in feed.ended] == [2, 1, 3, 0]
    ended = dict(feed.ended)
    assert ended[2].code is p.ErrorCode.STALE_WEIGHTS
    for number, expected in zip((0, 1, 3), alone, strict=True):
        tokens, scores = sequences(ended[number])
        assert tokens == expected[0]
        np.testing.assert_allclose(scores, expected[1], atol=TOLERANCE)


def test_no_more_is_taken_than_keeps_the_batch_full(backend, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = backend._models["m"].engine
    monkeypatch.setattr(engine, "_rows", 4)
    feed = Given((0, samples.sample(n=20, max_tokens=5)), (1, samples.sample(n=1, max_tokens=5)))
    backend.sample_together(feed)
    # Room for twice its rows. The first call has more, and fills it for a while.
    assert feed.rooms[0] == 1 and feed.rooms[1] == 0
    assert max(feed.rooms) <= 8 and [number for number, _ in feed.ended] == [0, 1]


def test_a_call_that_vllm_cannot_do_fails_alone(backend, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = import_module("rzero_worker.engine")
    made = engine._parameters
    monkeypatch.setattr(
        engine, "_parameters", lambda a, request: made(a, request) if request.most != 7 else 1 / 0
    )
    feed = Given((0, samples.sample(n=2, max_tokens=20)), (3, samples.sample(n=2, max_tokens=7)))
    backend.sample_together(feed)
    (first, error), (second, result) = feed.ended
    assert (first, second) == (1, 0) and isinstance(error, ZeroDivisionError)
    assert len(sequences(result)[0]) == 2
    assert backend._models["m"].engine._llm.llm_engine.get_num_unfinished_requests() == 0


def test_samples_of_one_prompt_share_its_keys_and_values(backend, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = Outputs(backend, monkeypatch)
    conversation = [samples.conversation("Start with 47. (1) Add 8. (2) Subtract 9. " * 14)]
    asked = samples.sample(conversation, n=6, max_tokens=3)
    backend.sample_together(
        Given((0, asked), (2, samples.sample(conversation, n=2, seeds=[7], max_tokens=3)))
    )
    cached = [(len(output.prompt_token_ids), output.num_cached_tokens) for output in outputs.seen]
    # Whole blocks of 128 tokens are shared; the first sample alone has nobody to share with.
    assert min(length for length, _ in cached) > 128
    assert sorted(count for _, count in cached) == [0] + [128] * 7
    outputs.seen.clear()
    backend.sample(asked, Context())  # another batch begins anew
    assert sorted(output.num_cached_tokens for output in outputs.seen) == [0] + [128] * 5


def cache_bytes(backend, model_id: str = "m") -> int:
    return sum(storage.nbytes() for storage in backend._models[model_id].engine._caches())


def resident() -> int:
    """Bytes of this process that are in the host's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_a_sampler_that_sleeps_frees_its_cache_and_draws_as_before(backend) -> None:
    asked = samples.sample(n=8, max_tokens=40)
    before = [backend.sample(asked, Context()) for _ in range(2)]
    assert before[0] == before[1]
    held, sampling = resident(), p.SleepParams(role=p.Capability.SAMPLE)
    cache = cache_bytes(backend)
    assert backend.sleep(sampling).freed_bytes == cache > 2**25
    assert cache_bytes(backend) == 0
    assert held - resident() > 0.8 * cache
    assert backend.sleep(sampling).freed_bytes == 0
    backend.wake(p.WakeParams(role=p.Capability.SAMPLE))
    assert backend.sample(asked, Context()) == before[0]
    assert cache_bytes(backend) == cache


def test_one_model_at_a_time_has_its_cache_and_each_draws_as_before(backend) -> None:
    def draw(name: str) -> p.SampleResult:
        result = backend.sample(samples.sample(n=8, max_tokens=40, model_id=name), Context())
        held = {each: cache_bytes(backend, each) for each in backend._models}
        assert [each for each, size in held.items() if size > 0] == [name]
        return result

    alone = draw("m")
    backend.load_model(samples.load("other", BASE, trainable=False))
    assert cache_bytes(backend) == 0 < cache_bytes(backend, "other")
    for name in ("m", "other", "m", "other", "other", "m"):
        assert draw(name) == alone
    # Weights that come while it sleeps; those of the other stay.
    draw("other")
    learn(backend, 1)
    publish(backend)
    assert draw("m") != alone
    assert draw("other").tokens == alone.tokens
    assert apart(backend) < TOLERANCE
    backend.sleep(p.SleepParams(role=p.Capability.SAMPLE))
    assert cache_bytes(backend) == cache_bytes(backend, "other") == 0
    assert draw("other").tokens == alone.tokens
    backend.unload_model(p.UnloadModelParams(model_id="other"))


# Weights


def learn(backend, seq: int) -> None:
    """A step on samples of the published weights: one is to be likelier, the other less so."""
    tokens = [prompt + sample for prompt, sample in of_version(backend)[:2]]
    backend.forward_backward(samples.train(tokens, [1.0, -1.0], seq, normalizer=8.0))
    backend.optim_step(samples.step(seq + 1, learning_rate=LEARNING_RATE, max_grad_norm=1.0))


def of_version(backend) -> list[tuple[list[int], list[int]]]:
    result = backend.sample(samples.sample(n=4, max_tokens=40), Context())
    prompt = numpy_view(result.prompt_tokens, "i4").tolist()
    return [(prompt, sample) for sample in sequences(result)[0]]


def apart(backend) -> float:
    """Most that a drawn token's log-prob is apart from the trainer's."""
    result = backend.sample(samples.sample(n=8, max_tokens=60), Context())
    prompt = numpy_view(result.prompt_tokens, "i4").tolist()
    runs, scores = sequences(result)
    whole = [prompt + run for run in runs]
    found = numpy_view(backend.forward(samples.forward(whole), Context()).logprobs, "f4")
    mask = np.concatenate([[False] * len(prompt) + [True] * len(run) for run in runs])
    return float(np.abs(found[mask] - scores).max())


def publish(backend) -> p.PublishWeightsResult:
    return backend.publish_weights(p.PublishWeightsParams(model_id="m"))


def test_steps_and_weights_that_vllm_takes_are_progress(backend) -> None:
    before = pulse.beats()
    backend.sample(samples.sample(max_tokens=8, temperature=0.0), Context())
    drawn = pulse.beats()
    assert drawn - before >= 1  # an answer may be shorter than it might be
    backend.optim_step(samples.step(2))
    backend.publish_weights(p.PublishWeightsParams(model_id="m"))
    assert pulse.beats() - drawn >= len(list(backend._models["m"].trained.parameters()))


def test_another_orchestrator_finds_neither_models_nor_engines_also_of_a_sampler_that_sleeps(
    module: ModuleType,
) -> None:
    backend = module.VllmBackend("cpu")
    executor = Executor(backend, JobQueue(), lambda *_: None)
    for number, params in enumerate(
        (
            samples.load("a", source=BASE),
            samples.load("b", source=BASE, trainable=False),
            p.SleepParams(role=p.Capability.SAMPLE),
        )
    ):
        verb = p.VERBS["sleep" if isinstance(params, p.SleepParams) else "load_model"]
        request = p.Request(id=number, verb=verb.name, params=wire.encode(params))
        executor.execute(Job(1, request, verb))
    assert len(backend._models) == 2
    executor.forget()
    assert backend._models == {}
    backend.load_model(samples.load(source=BASE, trainable=False))
    backend.sample(samples.sample(max_tokens=2), Context())
    backend.unload_model(p.UnloadModelParams(model_id="m"))


def test_the_sampler_follows_the_trainer_step_by_step(backend) -> None:
    assert apart(backend) < TOLERANCE
    for step in range(4):
        learn(backend, 2 * step + 1)
        assert apart(backend) > 100 * TOLERANCE  # not published yet: there is something to follow
        assert publish(backend).weights_version == step + 1
        assert apart(backend) < TOLERANCE


@pytest.mark.parametrize("how", ["nothing arrives", "the version before arrives", "a layer is left out"])
def test_a_sampler_that_did_not_get_the_weights_is_caught(
    backend, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    Engine = import_module("rzero_worker.engine").Engine  # noqa: N806 - a class
    load = Engine.load_weights
    learn(backend, 1)
    publish(backend)
    kept = {name: tensor.clone() for name, tensor in backend._models["m"].trained.state_dict().items()}
    learn(backend, 3)

    def wrong(self, weights) -> None:
        if how == "the version before arrives":
            load(self, kept)
        elif how == "a layer is left out":
            load(self, {name: tensor for name, tensor in weights.items() if ".layers.1." not in name})

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "load_weights", wrong)
        with pytest.raises(WorkerFailure) as failure:
            publish(backend)
    assert failure.value.code in (p.ErrorCode.STALE_WEIGHTS, p.ErrorCode.INTERNAL)
    assert (failure.value.code is p.ErrorCode.INTERNAL) == (how == "a layer is left out")
    assert backend._models["m"].version == 1
    assert publish(backend).weights_version == 2  # asked again, it arrives
    assert apart(backend) < TOLERANCE


# As a worker


def test_a_short_request_behind_a_long_one_is_answered_first(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    launch("--connect", orchestrator.endpoint, "--backend", "vllm", OMP_NUM_THREADS="1")
    hello = orchestrator.accept()
    assert (hello.rows, hello.devices) == (256, [])
    orchestrator.call("load_model", samples.load(source=BASE, trainable=False))
    asked = samples.sample(n=2, seeds=[3], max_tokens=5)
    alone = orchestrator.call("sample", asked)
    long = orchestrator.request("sample", samples.sample(n=3000, max_tokens=150))
    orchestrator._until(lambda message: isinstance(message, p.Progress))  # its batch is under way
    short = orchestrator.request("sample", asked)
    last = orchestrator.request("forward", samples.forward([[1, 2, 3]]))
    seen: list = []
    answer = orchestrator.answer_to(short, seen)
    assert not [message for message in seen if isinstance(message, p.Response)]
    together = wire.decode(answer.result, p.SampleResult)
    assert sequences(together)[0] == sequences(alone)[0]
    np.testing.assert_allclose(sequences(together)[1], sequences(alone)[1], atol=TOLERANCE)
    orchestrator.request("cancel", p.CancelParams(id=long))
    assert orchestrator.answer_to(long).error.code is p.ErrorCode.CANCELLED
    assert isinstance(orchestrator.answer_to(last), p.Response)


def test_a_variable_that_is_no_number_is_one_line(launch: Launch) -> None:
    given = ("--connect", "tcp://127.0.0.1:5", "--backend", "vllm")
    worker = launch(*given, RZERO_VLLM_ROWS="many", VLLM_LOGGING_LEVEL="ERROR")
    assert worker.wait() == 2
    expected = "RZERO_VLLM_ROWS: saw 'many', allowed is a whole number from 1 to 1048575"
    assert expected in worker.stderr.splitlines()[-1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="vLLM's sleep mode is for GPUs")
def test_engines_on_a_gpu_take_turns(module: ModuleType) -> None:
    backend = module.VllmBackend("cuda")
    for name in ("m", "other"):
        backend.load_model(samples.load(name, BASE, trainable=name == "m"))
    asked = [samples.sample(n=8, model_id=name) for name in ("m", "other")]
    before = [backend.sample(one, Context()) for one in asked]
    for _ in range(2):
        assert backend.sleep(p.SleepParams(role=p.Capability.SAMPLE)).freed_bytes > 2**30
        assert [backend.sample(one, Context()).tokens for one in asked] == [one.tokens for one in before]
    for name in ("m", "other"):  # the first while it sleeps
        backend.unload_model(p.UnloadModelParams(model_id=name))


# The bench


def test_the_bench_of_generation_draws_with_it(tmp_path: Path) -> None:
    from generation import vllm_engine
    from generation.requests import Args, make_requests

    args = Args(
        model=BASE,
        prompts=2,
        samples=3,
        most=5,
        least=2,
        ends=False,
        prompt_length=8,
        conversations=None,
        rows=4,
        top_p=1.0,
        threads=1,
        seed=5,
    )
    requests = make_requests(tmp_path, args)
    drawn = vllm_engine.make(requests)(0)
    assert drawn.tokens == sum(requests.limits)
