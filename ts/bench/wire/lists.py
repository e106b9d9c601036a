"""A worker that computes nothing, and takes and gives lists of numbers: what echo.py is compared with."""

import math
import os
import sys
import threading
from array import array

import msgspec
import zmq

LOGPROBS = [-math.log1p(index % 997) for index in range(2**17)]


class TrainBatch(msgspec.Struct, rename="camel"):
    """A batch as in proto/protocol.yml, each packed array a list."""

    tokens: list[int]
    lengths: list[int]
    mask: list[int]
    advantages: list[float]
    old_logprobs: list[float]


class Forward(msgspec.Struct, tag_field="kind", rename="camel"):
    """Asks for log-probs."""

    model_id: str
    temperature: float
    tokens: list[int]
    lengths: list[int]


class Train(msgspec.Struct, tag_field="kind", rename="camel"):
    """Asks for a gradient."""

    model_id: str
    seq: int
    loss: dict[str, float | str]
    normalizer: float
    batch: TrainBatch


def main(endpoint: str) -> None:
    """Dial and answer, until the process is killed."""
    socket = zmq.Context().socket(zmq.DEALER)
    socket.connect(endpoint)
    socket.send(b"")
    decoder = msgspec.msgpack.Decoder(Forward | Train)
    while True:
        request = decoder.decode(socket.recv())
        if isinstance(request, Forward):
            tokens, _ = array("i", request.tokens), array("i", request.lengths)
            answer = {"logprobs": LOGPROBS[: len(tokens)]}
        else:
            batch = request.batch
            _ = [array("i", items) for items in (batch.tokens, batch.lengths, batch.mask)]
            _ = [array("f", items) for items in (batch.advantages, batch.old_logprobs)]
            answer = {"loss": 0.5}
        socket.send(msgspec.msgpack.encode(answer), copy=False)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


threading.Thread(target=_end_with_parent, daemon=True).start()
main(sys.argv[1])
