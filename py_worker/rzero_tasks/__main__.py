"""`python -m rzero_tasks TASK --size N --seed N`: items of a task, then scores for as long as somebody asks.

Stdout has a line of JSON for each thing to say: {"item": {"question", "answer"}} for each item, {"ready":
{"version"}}, and to each line {"id", "item", "answers"} of stdin {"id", "scores"}; or {"error": {"code",
"message"}}, and the end. It ends by itself when stdin does.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from typing import Any

from rzero_tasks.task import Task, TaskFailure


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rzero_tasks", description=__doc__)
    parser.add_argument("task")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args(arguments)
    out = sys.stdout

    def say(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=out, flush=True)

    # What a library prints is not for whoever reads the lines.
    with redirect_stdout(sys.stderr):
        try:
            task = Task(options.task, options.size, options.seed)
            for item in task.items():
                say({"item": item})
        except TaskFailure as failure:
            say({"error": {"code": failure.code, "message": failure.message}})
            return 1
        say({"ready": {"version": task.version}})
        for line in sys.stdin:
            asked = json.loads(line)
            scores = [task.score(asked["item"], answer) for answer in asked["answers"]]
            say({"id": asked["id"], "scores": scores})
    return 0


if __name__ == "__main__":
    sys.exit(main())
