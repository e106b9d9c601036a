"""Messages of the worker protocol.

Generated from proto/protocol.yml by proto/generate.mjs. Do not edit: change the source, `npm run generate`.
Attributes are snake_case here and camelCase on the wire; packed arrays are little-endian bytes (wire.py).
"""

import sys
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

PROTOCOL_HASH = "aabe1fa5dddd6468aff2ca2a476d01922681cffa64dba181c90faac4c5c4450a"
"""sha256 over the names, types, ranges and limits below; a peer with another hash is refused."""

MESSAGE_BYTES = 2**30
"""a frame; ZeroMQ drops the connection of a peer that sends more"""

MESSAGE_DEPTH = 64
"""maps and lists inside each other in a message"""

MESSAGE_VALUES = 2**22
"""values of all kinds in a message, map keys included"""

ANSWERS_KEPT = 1024
"""a model's newest answers to gradient verbs that a repeated seq is answered with"""

SHUTDOWN_SECONDS = 5
"""running work that does not let go when the worker stops is ended after them"""

Int = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
"""An integer that a double holds exactly, since the other side may keep it in one."""

Float = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""A finite float; NaN and infinities travel in packed arrays only."""


class Role(StrEnum):
    """Values of Role on the wire."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class StopReason(StrEnum):
    """Values of StopReason on the wire."""

    STOP = "stop"
    LENGTH = "length"


class Capability(StrEnum):
    """Values of Capability on the wire."""

    SAMPLE = "sample"
    TRAIN = "train"


class Loss(StrEnum):
    """Values of Loss on the wire."""

    POLICY_GRADIENT = "policy_gradient"
    GRPO = "grpo"
    GSPO = "gspo"
    CISPO = "cispo"


class Aggregation(StrEnum):
    """Values of Aggregation on the wire."""

    TOKEN = "token"
    SEQUENCE = "sequence"


class KlEstimator(StrEnum):
    """Values of KlEstimator on the wire."""

    K1 = "k1"
    K2 = "k2"
    K3 = "k3"


class WeightFormat(StrEnum):
    """Values of WeightFormat on the wire."""

    SAFETENSORS = "safetensors"
    PICKLE = "pickle"


class Packing(StrEnum):
    """Values of Packing on the wire."""

    PACKS = "packs"  # sequences lie side by side in one row, without padding
    PADDED = "padded"  # it cannot be packed, and is trained on padded rectangles
    TRIED = "tried"  # whether it can be packed only shows with its weights


class ObstacleCode(StrEnum):
    """Values of ObstacleCode on the wire."""

    REMOTE_CODE = "remote_code"  # it needs code of its own, which never runs
    NO_WEIGHTS = "no_weights"  # there are no weights, or not all of them
    PICKLES = "pickles"  # its weights are pickles alone, which can run code and are never read
    NO_TOKENIZER = "no_tokenizer"  # it has none, or one that cannot be loaded
    UNKNOWN_ARCHITECTURE = "unknown_architecture"  # transformers cannot make such a model
    NOT_TRAINABLE = "not_trainable"  # its logits cannot be computed from what the model gives
    NOT_SAMPLED = "not_sampled"  # this worker cannot draw from such a model


class ErrorCode(StrEnum):
    """Values of ErrorCode on the wire."""

    INVALID_REQUEST = "invalid_request"  # a field is missing, unknown, of the wrong type or out of range
    UNAUTHORIZED = "unauthorized"  # the token or the protocol hash is not the orchestrator's
    UNKNOWN_MODEL = "unknown_model"  # no model is loaded under this modelId
    # the source is not a usable Hugging Face model (details say what is missing)
    MODEL_UNLOADABLE = "model_unloadable"
    HUB_UNAVAILABLE = "hub_unavailable"  # the hub does not answer, and what is asked for is not in the cache
    HUB_FORBIDDEN = "hub_forbidden"  # the hub wants a token with the right to this model
    NOT_TRAINABLE = "not_trainable"  # a gradient verb on a model that was loaded with trainable: false
    SEQUENCE_CONFLICT = "sequence_conflict"  # this seq was used before, with another payload
    STALE_WEIGHTS = "stale_weights"  # the published weights are not of the version that was asked for
    # nothing was changed; the worker computes less at once from now on, so asking again may do
    OUT_OF_MEMORY = "out_of_memory"
    # a loss or gradient is NaN or infinite; the message names the sequences; nothing was changed
    NOT_FINITE = "not_finite"
    CANCELLED = "cancelled"
    IO_ERROR = "io_error"  # a checkpoint could not be written or read
    INTERNAL = "internal"  # a bug in the worker; details carry the traceback


class Base(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What all messages share: camelCase on the wire, no unknown fields, absent optionals left out."""


class Message(Base, kw_only=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Conversation(Base, kw_only=True):
    """Turns in order. A last turn by the assistant is a prefix that the model continues."""

    messages: list[Message]


class Sampling(Base, kw_only=True):
    """How tokens are drawn. Log-probs are those of the processed distribution, the one drawn from."""

    temperature: Float  # 0 is greedy; else logits are divided by it
    top_p: Float  # 1 is off
    top_k: Int  # 0 is off
    max_tokens: Int  # most new tokens a sample may have
    # a sample ends with the token that completes one of these; its text ends before it
    stop: list[str] | None = None


class SampleBatch(Base, kw_only=True):
    """n samples for each conversation, conversation by conversation.

    Token arrays are concatenated in that order; the length arrays say where each one ends.
    """

    weights_version: Int
    prompt_tokens: bytes  # packed i32; one run per conversation
    prompt_lengths: bytes  # packed i32; [conversations]
    tokens: bytes  # packed i32; one run per sample, the stop token included
    lengths: bytes  # packed i32; [conversations * n]
    logprobs: bytes  # packed f32; aligned with tokens
    texts: list[str]  # [conversations * n], decoded without the stop token, cut before a stop string
    stop_reasons: list[StopReason]


class TrainBatch(Base, kw_only=True):
    """Sequences (prompt and completion together), concatenated. Everything a loss needs is in here."""

    tokens: bytes  # packed i32; concatenated sequences
    lengths: bytes  # packed i32; [sequences]
    mask: bytes  # packed u8; aligned with tokens; 1 where the token is trained
    advantages: bytes  # packed f32; [sequences]
    # packed f32; aligned with tokens; absent: the current policy's own, so the ratio is 1
    old_logprobs: bytes | None = None
    ref_logprobs: bytes | None = None  # packed f32; aligned with tokens; needed when klCoef > 0
    # packed f32; aligned with tokens, as `sample` reported them; needed when importanceCap > 0
    sample_logprobs: bytes | None = None


class LossSpec(Base, kw_only=True):
    """A loss by name with its coefficients (py_worker/rzero_worker/losses.py has the formulas)."""

    name: Loss
    # what is summed and divided by the normalizer: token losses, or their mean in each sequence
    aggregation: Aggregation
    clip_low: Float  # ratio is clipped at 1 - clipLow
    clip_high: Float  # ... and 1 + clipHigh
    dual_clip: Float  # bound for negative advantages, above 1; 0 is off
    kl_coef: Float  # weight of the estimate of KL(policy || reference)
    kl_estimator: KlEstimator
    importance_cap: Float  # truncated importance sampling: the most that policy / sampler may weigh; 0 is off
    temperature: Float  # of the distribution that was sampled from


class Training(Base, kw_only=True):
    """How a model is trained. What a worker cannot do is invalid_request."""

    pack_tokens: Int  # most tokens computed at once; 0: as the device allows
    recompute: bool  # activations in the backward pass: less memory, more time
    offload: bool  # weights, gradient and optimiser wait in the host's memory
    lora_rank: Int  # of low-rank adapters, which are then all that is trained; 0 trains every weight
    lora_alpha: Float  # an adapter weighs loraAlpha / loraRank


class WeightsProof(Base, kw_only=True):
    """What the published weights are, as the one who samples from them holds them."""

    checksum: str  # equal weights, rounded to bfloat16, have equal ones
    probe: bytes  # packed f32; log-probs of the probe tokens at temperature 1; README says which these are


class Adam(Base, kw_only=True):
    """AdamW with decoupled weight decay."""

    learning_rate: Float
    beta1: Float
    beta2: Float
    epsilon: Float
    weight_decay: Float
    decay_vectors: bool  # whether weights of one dimension, norms and biases, decay too
    max_grad_norm: Float  # global norm; 0 is off


class Gpu(Base, kw_only=True):
    """A GPU as the driver's tool lists it, whoever may use it."""

    name: str
    uuid: str  # as in Hello.devices, behind the host's name
    memory_bytes: Int
    free_bytes: Int


class Folder(Base, kw_only=True):
    """A folder, or where it is going to be, and the file system below it."""

    path: str
    file_system: str  # ext4, overlay, nfs4, lustre, ...; "" where the system does not tell
    free_bytes: Int  # that a process without privileges may take; quotas are not known


class Machine(Base, kw_only=True):
    """What the machine of a worker has, as far as it tells without loading a library or touching a GPU."""

    host: str
    platform: str  # e.g. Linux-6.1.0-x86_64-with-glibc2.36
    python: str
    packages: dict[str, str]  # versions of those that are installed and matter: torch, vllm, pyzmq, ...
    curve: bool  # whether its ZeroMQ can encrypt
    torch_cuda: str  # the CUDA that torch was built for, 12.8; "" for a build without, or no torch
    driver: str  # of NVIDIA, 550.54.15; "" where there is none
    gpus: list[Gpu]
    cpus: Int  # that the process may run on
    memory_bytes: Int  # of the host, or that its container may have
    memory_free_bytes: Int
    shm_bytes: Int  # of /dev/shm; 0 where there is none
    shm_free_bytes: Int
    working_folder: Folder
    hub_cache: Folder  # where huggingface_hub keeps models
    hub_token: bool  # whether it has one for the hub; never which
    open_files: Int  # most that the process may have open; 0 for no limit
    clock: Float  # seconds since 1970


class Token(Base, kw_only=True):
    """The struct Token."""

    id: Int
    text: str  # as the tokenizer writes it


class RoundTrip(Base, kw_only=True):
    """A text, and what came back of it."""

    text: str
    back: str


class ChatTemplate(Base, kw_only=True):
    """The struct ChatTemplate."""

    cue: str  # what it opens the assistant's turn with; "" where it does not
    # the special token that it ends the assistant's turns with; absent: it has none
    end_of_turn: Token | None = None


class Tokenizer(Base, kw_only=True):
    """The struct Tokenizer."""

    name: str  # of its class
    size: Int  # its highest id, and one more
    template: ChatTemplate | None = None  # absent: turns are lines of text
    eos: list[Token]  # those that end a sample
    pad: Token | None = None
    changed: list[RoundTrip]  # of a few texts of mathematics, those that decode(encode(text)) changes


class RenderedPrompt(Base, kw_only=True):
    """A conversation as the model would get it."""

    text: str  # special tokens as they are written; "" where it is refused
    tokens: Int
    merged: bool  # the template takes no system turn: its text opens the user's
    refused: str | None = None  # why the template does not take it


class WeightFiles(Base, kw_only=True):
    """What a model's weights are on disk, or on the hub."""

    formats: list[WeightFormat]
    bytes: Int  # of the safetensors, or of the pickles where there are no others
    types: list[str]  # as safetensors name them: BF16, F32; none where that is not known


class Licence(Base, kw_only=True):
    """What a model's card says; '' where it says nothing."""

    id: str  # as the hub names it: apache-2.0, gemma, other
    name: str  # of one that is `other`
    link: str
    file: str  # a file of the text, LICENSE for example
    base_models: list[str]  # those that it was made from


class Obstacle(Base, kw_only=True):
    """Why load_model would refuse a model, or could not use it."""

    code: ObstacleCode
    message: str


class WorkerError(Base, kw_only=True):
    """The struct WorkerError."""

    code: ErrorCode
    message: str
    details: str | None = None


class Hello(Base, kw_only=True, tag_field="kind", tag="Hello"):
    """A worker's first message on a new connection."""

    protocol_hash: str
    token: str  # shared secret from the environment, never on a command line; "" under CURVE
    worker_id: str  # for people: a name in logs
    instance_id: str  # drawn anew by every process: the same one on every connection of it
    backend: str
    capabilities: list[Capability]
    losses: list[Loss]
    versions: dict[str, str]  # e.g. python, torch, transformers
    pid: Int
    # whose memory it fills, the same name for the same device everywhere; none: the host's
    devices: list[str]
    rows: Int  # samples that it decodes side by side: with fewer at hand it is partly idle


class Welcome(Base, kw_only=True, tag_field="kind", tag="Welcome"):
    """The struct Welcome."""

    protocol_hash: str
    run: str  # its id: another run's orchestrator has no claim on what a worker holds
    # which orchestrator of the run this is; a later one's is higher, and fences the earlier ones off
    attempt: Int
    heartbeat_seconds: Float  # how often the worker shall send a Heartbeat


class Heartbeat(Base, kw_only=True, tag_field="kind", tag="Heartbeat"):
    """Sent at least every heartbeatSeconds by a thread that work cannot block, so its absence means
    something.
    """

    busy: str  # the verb being executed, or ""
    queued: Int  # work requests that wait behind it
    progress: Int  # grows while work is done


class Refusal(Base, kw_only=True, tag_field="kind", tag="Refusal"):
    """The struct Refusal."""

    error: WorkerError


class Request(Base, kw_only=True, tag_field="kind", tag="Request"):
    """The struct Request."""

    id: Int  # unique in a connection, increasing
    verb: str
    params: bytes  # the verb's params, packed; opaque to whoever only routes


class Response(Base, kw_only=True, tag_field="kind", tag="Response"):
    """The struct Response."""

    id: Int
    result: bytes  # the verb's result, packed


class Failure(Base, kw_only=True, tag_field="kind", tag="Failure"):
    """The struct Failure."""

    id: Int
    error: WorkerError


class Progress(Base, kw_only=True, tag_field="kind", tag="Progress"):
    """How far a long request is. Monotone in `done`; the last one may be missing."""

    id: Int
    done: Int
    total: Int


class LoadModelParams(Base, kw_only=True):
    """Parameters of `load_model`."""

    model_id: str
    source: str  # a Hugging Face folder, or a hub name where the worker has network
    trainable: bool
    training: Training | None = None  # of a trainable model; absent: every weight, as the device allows
    # what a frozen model is for; absent: both. What it is not for it may do slowly the first time
    role: Capability | None = None
    seed: Int


class LoadModelResult(Base, kw_only=True):
    """Result of `load_model`."""

    architecture: str
    parameters: Int
    vocabulary_size: Int
    context_length: Int  # tokens, prompt and completion together
    weights_version: Int  # 0


class InspectModelParams(Base, kw_only=True):
    """Parameters of `inspect_model`."""

    source: str  # as for load_model
    conversations: list[Conversation]


class InspectModelResult(Base, kw_only=True):
    """Result of `inspect_model`."""

    model_type: str  # of its config
    architecture: str  # as load_model would say it; "" where none can be made
    parameters: Int  # 0 where no model can be made
    tied: bool  # whether the output projection is the embedding
    vocabulary_size: Int  # rows of the embedding
    context_length: Int
    weights: WeightFiles
    tokenizer: Tokenizer | None = None  # absent where it cannot be loaded
    prompts: list[RenderedPrompt]  # one a conversation; none without a tokenizer
    packing: Packing
    packing_reason: str  # why it is padded, or only tried; "" where it packs
    obstacles: list[Obstacle]
    licence: Licence


class UnloadModelParams(Base, kw_only=True):
    """Parameters of `unload_model`."""

    model_id: str


class UnloadModelResult(Base, kw_only=True):
    """Result of `unload_model`."""


class SampleParams(Base, kw_only=True):
    """Parameters of `sample`."""

    model_id: str
    conversations: list[Conversation]
    n: Int
    seeds: bytes  # packed u32; one a conversation; sample j of conversation i depends on (seeds[i], j) alone
    sampling: Sampling
    # when given, a worker whose published weights have another answers stale_weights
    weights_version: Int | None = None


class ForwardParams(Base, kw_only=True):
    """Parameters of `forward`."""

    model_id: str
    tokens: bytes  # packed i32
    lengths: bytes  # packed i32
    # packed u8; aligned with tokens; 1 where a log-prob is wanted; absent: everywhere
    mask: bytes | None = None
    temperature: Float


class ForwardResult(Base, kw_only=True):
    """Result of `forward`."""

    # packed f32; aligned with tokens; 0 for the first token of a sequence, and where none is wanted
    logprobs: bytes


class ForwardBackwardParams(Base, kw_only=True):
    """Parameters of `forward_backward`."""

    model_id: str
    seq: Int
    batch: TrainBatch
    loss: LossSpec
    normalizer: Float


class ForwardBackwardResult(Base, kw_only=True):
    """Result of `forward_backward`."""

    loss: Float
    kl: Float  # mean over trained tokens
    entropy: Float  # mean over trained tokens, nats
    clip_fraction: Float
    ratio_mean: Float
    importance_mean: Float  # mean weight of importance sampling, as truncated; 1 where it is off
    importance_capped: Float  # share of trained tokens whose weight was truncated
    sampler_kl: Float  # k3 estimate of KL(sampler || policy) over trained tokens; 0 without sampleLogprobs
    tokens: Int  # trained tokens


class OptimStepParams(Base, kw_only=True):
    """Parameters of `optim_step`."""

    model_id: str
    seq: Int
    adam: Adam


class OptimStepResult(Base, kw_only=True):
    """Result of `optim_step`."""

    grad_norm: Float  # before clipping


class PublishWeightsParams(Base, kw_only=True):
    """Parameters of `publish_weights`."""

    model_id: str
    # the version they get, above the present one; absent: one more. At it already: no change
    weights_version: Int | None = None


class PublishWeightsResult(Base, kw_only=True):
    """Result of `publish_weights`."""

    weights_version: Int
    proof: WeightsProof


class AverageWeightsParams(Base, kw_only=True):
    """Parameters of `average_weights`."""

    model_id: str
    towards: str  # the other's modelId; of another shape: invalid_request. It stays as it is
    share: Float  # 1 makes them the other's


class AverageWeightsResult(Base, kw_only=True):
    """Result of `average_weights`."""

    weights_version: Int  # of the published weights


class SaveCheckpointParams(Base, kw_only=True):
    """Parameters of `save_checkpoint`."""

    model_id: str
    path: str  # must not exist
    with_optimizer: bool
    # weights in the float type they are sampled in; not withOptimizer, which needs all of them. Absent: false
    for_sampling: bool | None = None


class SaveCheckpointResult(Base, kw_only=True):
    """Result of `save_checkpoint`."""

    bytes: Int
    manifest_sha256: str  # of the manifest, and so of the whole


class LoadCheckpointParams(Base, kw_only=True):
    """Parameters of `load_checkpoint`."""

    model_id: str
    path: str
    manifest_sha256: str | None = None  # as save_checkpoint said it; absent: whatever manifest is there
    weights_version: Int | None = None  # the version the published weights get; absent: one more


class LoadCheckpointResult(Base, kw_only=True):
    """Result of `load_checkpoint`."""

    weights_version: Int
    steps: Int  # that the optimiser has taken; 0 for a fresh one
    proof: WeightsProof


class SleepParams(Base, kw_only=True):
    """Parameters of `sleep`."""

    role: Capability  # sample: what only sampling needs; train: what only training and scoring need


class SleepResult(Base, kw_only=True):
    """Result of `sleep`."""

    freed_bytes: Int  # of the device's memory; 0 where the role sleeps already or has nothing there


class WakeParams(Base, kw_only=True):
    """Parameters of `wake`."""

    role: Capability


class WakeResult(Base, kw_only=True):
    """Result of `wake`."""


class PingParams(Base, kw_only=True):
    """Parameters of `ping`."""


class PingResult(Base, kw_only=True):
    """Result of `ping`."""

    busy: str  # the verb being executed, or ""
    progress: Int  # grows while work is done


class InspectMachineParams(Base, kw_only=True):
    """Parameters of `inspect_machine`."""


class CancelParams(Base, kw_only=True):
    """Parameters of `cancel`."""

    id: Int


class CancelResult(Base, kw_only=True):
    """Result of `cancel`."""

    found: bool


class ShutdownParams(Base, kw_only=True):
    """Parameters of `shutdown`."""


class ShutdownResult(Base, kw_only=True):
    """Result of `shutdown`."""


SampleResult = SampleBatch

InspectMachineResult = Machine

Envelope = Hello | Welcome | Refusal | Heartbeat | Request | Response | Failure | Progress
"""Any frame between orchestrator and worker; `kind` says which."""


class Verb(Struct, frozen=True):
    """How a verb travels. `control`: answered during a long call. `errors`: beside those of any verb."""

    name: str
    params: type[Base]
    result: type[Base]
    control: bool
    progress: bool
    errors: tuple[ErrorCode, ...]


VERBS: dict[str, Verb] = {
    "load_model": Verb(
        name="load_model",
        params=LoadModelParams,
        result=LoadModelResult,
        control=False,
        progress=False,
        errors=(
            ErrorCode.MODEL_UNLOADABLE,
            ErrorCode.HUB_UNAVAILABLE,
            ErrorCode.HUB_FORBIDDEN,
            ErrorCode.OUT_OF_MEMORY,
        ),
    ),
    "inspect_model": Verb(
        name="inspect_model",
        params=InspectModelParams,
        result=InspectModelResult,
        control=False,
        progress=False,
        errors=(ErrorCode.MODEL_UNLOADABLE, ErrorCode.HUB_UNAVAILABLE, ErrorCode.HUB_FORBIDDEN),
    ),
    "unload_model": Verb(
        name="unload_model",
        params=UnloadModelParams,
        result=UnloadModelResult,
        control=False,
        progress=False,
        errors=(ErrorCode.UNKNOWN_MODEL,),
    ),
    "sample": Verb(
        name="sample",
        params=SampleParams,
        result=SampleResult,
        control=False,
        progress=True,
        errors=(
            ErrorCode.UNKNOWN_MODEL,
            ErrorCode.STALE_WEIGHTS,
            ErrorCode.OUT_OF_MEMORY,
            ErrorCode.CANCELLED,
        ),
    ),
    "forward": Verb(
        name="forward",
        params=ForwardParams,
        result=ForwardResult,
        control=False,
        progress=True,
        errors=(
            ErrorCode.UNKNOWN_MODEL,
            ErrorCode.MODEL_UNLOADABLE,
            ErrorCode.OUT_OF_MEMORY,
            ErrorCode.CANCELLED,
        ),
    ),
    "forward_backward": Verb(
        name="forward_backward",
        params=ForwardBackwardParams,
        result=ForwardBackwardResult,
        control=False,
        progress=False,
        errors=(
            ErrorCode.UNKNOWN_MODEL,
            ErrorCode.NOT_TRAINABLE,
            ErrorCode.SEQUENCE_CONFLICT,
            ErrorCode.OUT_OF_MEMORY,
            ErrorCode.NOT_FINITE,
        ),
    ),
    "optim_step": Verb(
        name="optim_step",
        params=OptimStepParams,
        result=OptimStepResult,
        control=False,
        progress=False,
        errors=(
            ErrorCode.UNKNOWN_MODEL,
            ErrorCode.NOT_TRAINABLE,
            ErrorCode.SEQUENCE_CONFLICT,
            ErrorCode.NOT_FINITE,
        ),
    ),
    "publish_weights": Verb(
        name="publish_weights",
        params=PublishWeightsParams,
        result=PublishWeightsResult,
        control=False,
        progress=False,
        errors=(ErrorCode.UNKNOWN_MODEL, ErrorCode.STALE_WEIGHTS),
    ),
    "average_weights": Verb(
        name="average_weights",
        params=AverageWeightsParams,
        result=AverageWeightsResult,
        control=False,
        progress=False,
        errors=(ErrorCode.UNKNOWN_MODEL, ErrorCode.OUT_OF_MEMORY),
    ),
    "save_checkpoint": Verb(
        name="save_checkpoint",
        params=SaveCheckpointParams,
        result=SaveCheckpointResult,
        control=False,
        progress=False,
        errors=(ErrorCode.UNKNOWN_MODEL, ErrorCode.IO_ERROR),
    ),
    "load_checkpoint": Verb(
        name="load_checkpoint",
        params=LoadCheckpointParams,
        result=LoadCheckpointResult,
        control=False,
        progress=False,
        errors=(ErrorCode.UNKNOWN_MODEL, ErrorCode.IO_ERROR),
    ),
    "sleep": Verb(
        name="sleep",
        params=SleepParams,
        result=SleepResult,
        control=False,
        progress=False,
        errors=(ErrorCode.OUT_OF_MEMORY,),
    ),
    "wake": Verb(
        name="wake",
        params=WakeParams,
        result=WakeResult,
        control=False,
        progress=False,
        errors=(ErrorCode.OUT_OF_MEMORY,),
    ),
    "ping": Verb(
        name="ping",
        params=PingParams,
        result=PingResult,
        control=True,
        progress=False,
        errors=(),
    ),
    "inspect_machine": Verb(
        name="inspect_machine",
        params=InspectMachineParams,
        result=InspectMachineResult,
        control=True,
        progress=False,
        errors=(),
    ),
    "cancel": Verb(
        name="cancel",
        params=CancelParams,
        result=CancelResult,
        control=True,
        progress=False,
        errors=(),
    ),
    "shutdown": Verb(
        name="shutdown",
        params=ShutdownParams,
        result=ShutdownResult,
        control=True,
        progress=False,
        errors=(),
    ),
}


class Range(Struct, frozen=True, kw_only=True):
    """Bounds of a number, or of a size: bytes of a string, items of a list, map or packed array."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    packed: str | None = None  # item code of a packed array's buffer
    items: "Range | None" = None  # of each item; one without bounds: a finite number


RANGES: dict[type[Base], dict[str, Range]] = {
    Message: {
        "content": Range(le=2**24),
    },
    Conversation: {
        "messages": Range(ge=1, le=4096),
    },
    Sampling: {
        "temperature": Range(ge=0),
        "top_p": Range(gt=0, le=1),
        "top_k": Range(ge=0),
        "max_tokens": Range(ge=1, lt=2**31),
        "stop": Range(le=16, items=Range(ge=1, le=256)),
    },
    SampleBatch: {
        "weights_version": Range(ge=0),
        "prompt_tokens": Range(packed="i"),
        "prompt_lengths": Range(packed="i"),
        "tokens": Range(packed="i"),
        "lengths": Range(packed="i"),
        "logprobs": Range(packed="f"),
    },
    TrainBatch: {
        "tokens": Range(packed="i", items=Range(ge=0)),
        "lengths": Range(packed="i", items=Range(ge=1)),
        "mask": Range(packed="B", items=Range(ge=0, le=1)),
        "advantages": Range(packed="f", items=Range()),
        "old_logprobs": Range(packed="f", items=Range()),
        "ref_logprobs": Range(packed="f", items=Range()),
        "sample_logprobs": Range(packed="f", items=Range()),
    },
    LossSpec: {
        "clip_low": Range(ge=0, le=1),
        "clip_high": Range(ge=0),
        "dual_clip": Range(ge=0),
        "kl_coef": Range(ge=0),
        "importance_cap": Range(ge=0),
        "temperature": Range(gt=0),
    },
    Training: {
        "pack_tokens": Range(ge=0, lt=2**31),
        "lora_rank": Range(ge=0, le=4096),
        "lora_alpha": Range(gt=0),
    },
    WeightsProof: {
        "probe": Range(packed="f"),
    },
    Adam: {
        "learning_rate": Range(ge=0),
        "beta1": Range(ge=0, lt=1),
        "beta2": Range(ge=0, lt=1),
        "epsilon": Range(gt=0),
        "weight_decay": Range(ge=0),
        "max_grad_norm": Range(ge=0),
    },
    Gpu: {
        "name": Range(le=256),
        "uuid": Range(le=256),
        "memory_bytes": Range(ge=0),
        "free_bytes": Range(ge=0),
    },
    Folder: {
        "path": Range(le=4096),
        "file_system": Range(le=64),
        "free_bytes": Range(ge=0),
    },
    Machine: {
        "host": Range(le=256),
        "platform": Range(le=256),
        "python": Range(le=64),
        "packages": Range(le=64, items=Range(le=256)),
        "torch_cuda": Range(le=64),
        "driver": Range(le=64),
        "gpus": Range(le=64),
        "cpus": Range(ge=0),
        "memory_bytes": Range(ge=0),
        "memory_free_bytes": Range(ge=0),
        "shm_bytes": Range(ge=0),
        "shm_free_bytes": Range(ge=0),
        "open_files": Range(ge=0),
        "clock": Range(ge=0),
    },
    Token: {
        "id": Range(ge=0),
    },
    Tokenizer: {
        "size": Range(ge=0),
    },
    RenderedPrompt: {
        "tokens": Range(ge=0),
    },
    WeightFiles: {
        "bytes": Range(ge=0),
    },
    Hello: {
        "protocol_hash": Range(le=256),
        "token": Range(le=1024),
        "worker_id": Range(le=256),
        "instance_id": Range(ge=1, le=256),
        "backend": Range(ge=1, le=256),
        "capabilities": Range(le=64),
        "losses": Range(le=64),
        "versions": Range(le=256, items=Range(le=1024)),
        "pid": Range(ge=0),
        "devices": Range(le=1024, items=Range(ge=1, le=256)),
        "rows": Range(ge=1, le=2**20),
    },
    Welcome: {
        "protocol_hash": Range(le=256),
        "run": Range(ge=1, le=64),
        "attempt": Range(ge=0),
        "heartbeat_seconds": Range(ge=0.01, le=3600),
    },
    Heartbeat: {
        "busy": Range(le=64),
        "queued": Range(ge=0),
        "progress": Range(ge=0),
    },
    Request: {
        "id": Range(ge=0),
        "verb": Range(ge=1, le=64),
    },
    Response: {
        "id": Range(ge=0),
    },
    Failure: {
        "id": Range(ge=0),
    },
    Progress: {
        "id": Range(ge=0),
        "done": Range(ge=0),
        "total": Range(ge=0),
    },
    LoadModelParams: {
        "model_id": Range(ge=1, le=256),
        "source": Range(ge=1, le=4096),
        "seed": Range(ge=0),
    },
    LoadModelResult: {
        "parameters": Range(ge=0),
        "vocabulary_size": Range(ge=0),
        "context_length": Range(ge=0),
        "weights_version": Range(ge=0),
    },
    InspectModelParams: {
        "source": Range(ge=1, le=4096),
        "conversations": Range(le=1024),
    },
    InspectModelResult: {
        "parameters": Range(ge=0),
        "vocabulary_size": Range(ge=0),
        "context_length": Range(ge=0),
    },
    UnloadModelParams: {
        "model_id": Range(ge=1, le=256),
    },
    SampleParams: {
        "model_id": Range(ge=1, le=256),
        "conversations": Range(le=2**20),
        "n": Range(ge=1, le=2**24),
        "seeds": Range(packed="I"),
        "weights_version": Range(ge=0),
    },
    ForwardParams: {
        "model_id": Range(ge=1, le=256),
        "tokens": Range(packed="i", items=Range(ge=0)),
        "lengths": Range(packed="i", items=Range(ge=1)),
        "mask": Range(packed="B", items=Range(ge=0, le=1)),
        "temperature": Range(gt=0),
    },
    ForwardResult: {
        "logprobs": Range(packed="f"),
    },
    ForwardBackwardParams: {
        "model_id": Range(ge=1, le=256),
        "seq": Range(ge=0),
        "normalizer": Range(gt=0),
    },
    ForwardBackwardResult: {
        "tokens": Range(ge=0),
    },
    OptimStepParams: {
        "model_id": Range(ge=1, le=256),
        "seq": Range(ge=0),
    },
    OptimStepResult: {
        "grad_norm": Range(ge=0),
    },
    PublishWeightsParams: {
        "model_id": Range(ge=1, le=256),
        "weights_version": Range(ge=0),
    },
    PublishWeightsResult: {
        "weights_version": Range(ge=0),
    },
    AverageWeightsParams: {
        "model_id": Range(ge=1, le=256),
        "towards": Range(ge=1, le=256),
        "share": Range(gt=0, le=1),
    },
    AverageWeightsResult: {
        "weights_version": Range(ge=0),
    },
    SaveCheckpointParams: {
        "model_id": Range(ge=1, le=256),
        "path": Range(ge=1, le=4096),
    },
    SaveCheckpointResult: {
        "bytes": Range(ge=0),
    },
    LoadCheckpointParams: {
        "model_id": Range(ge=1, le=256),
        "path": Range(ge=1, le=4096),
        "manifest_sha256": Range(ge=64, le=64),
        "weights_version": Range(ge=0),
    },
    LoadCheckpointResult: {
        "weights_version": Range(ge=0),
        "steps": Range(ge=0),
    },
    SleepResult: {
        "freed_bytes": Range(ge=0),
    },
    PingResult: {
        "busy": Range(le=64),
        "progress": Range(ge=0),
    },
    CancelParams: {
        "id": Range(ge=0),
    },
}
"""What is to be checked beside the types, by class and attribute."""
