"""A server that computes nothing, and takes and gives JSON files: what echo.py is compared with."""

import json
import math
import os
import threading
from array import array
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

LOGPROBS = [-math.log1p(index % 997) for index in range(2**17)]


class Handler(BaseHTTPRequestHandler):
    """Answers GET /VERB?name=QUESTION.json with the name of the file that has the answer."""

    protocol_version = "HTTP/1.1"  # keeps the connection
    disable_nagle_algorithm = True  # else every answer waits for an acknowledgement

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        """Read the question, write the answer."""
        url = urlsplit(self.path)
        question = Path(parse_qs(url.query)["name"][0])
        asked = json.loads(question.read_text())
        if url.path == "/forward":
            tokens, _ = array("i", asked["tokens"]), array("i", asked["lengths"])
            answer = {"logprobs": LOGPROBS[: len(tokens)]}
        else:
            batch = asked["batch"]
            _ = [array("i", batch[name]) for name in ("tokens", "lengths", "mask")]
            _ = [array("f", batch[name]) for name in ("advantages", "oldLogprobs")]
            answer = {"loss": 0.5}
        answers = question.with_name("answer.json")
        answers.write_text(json.dumps(answer))
        body = json.dumps({"name": str(answers)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


threading.Thread(target=_end_with_parent, daemon=True).start()
server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
