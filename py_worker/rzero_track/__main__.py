"""`python -m rzero_track RUN --to NAME`: see the package."""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .errors import TrackError, Unavailable
from .life import Life
from .mlflow import Mlflow
from .run import Run
from .sender import PATIENCE_SECONDS, POLL_SECONDS, Sender
from .sent import Sent
from .tracker import Identity, Tracker
from .trackio import Trackio
from .wandb import Wandb

TRACKERS: dict[str, Callable[[], Tracker]] = {"wandb": Wandb, "mlflow": Mlflow, "trackio": Trackio}


class _Time:
    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def main() -> int:
    """Send a run; returns the exit code: 0, or that of a TrackError."""
    options = _parser().parse_args()
    if options.log is not None:
        _print_to(options.log)
    try:
        run = Run(options.run)
        if options.follow:
            _end_in_time(Life(run, _Time.now), options.patience)
        _send(run, options)
        return 0
    except TrackError as error:
        _say(" ".join(str(error).split()))
        return error.exit_code
    except OSError as error:
        _say(str(error))
        return 74


def _send(run: Run, options: argparse.Namespace) -> None:
    make = TRACKERS[options.to]
    folder = run.folder / "trackers"
    name = options.name or run.folder.resolve().name
    identity = Identity(run.id, options.project, name, options.entity, str(folder))
    sent = Sent(run.folder, options.to, run.id)
    try:
        while not sent.acquire():
            if not options.follow:
                raise Unavailable(f"another process is sending this run to {options.to}: let it end first")
            _Time.sleep(POLL_SECONDS)
        sender = Sender(run, identity, sent, make, _Time, _say)
        if options.follow:
            sender.follow(Life(run, _Time.now))
            _say(f"{options.to} has all of the run")
        else:
            _say(f"{options.to} has all that is on record: {sender.once()} points were new")
    finally:
        sent.close()


def _end_in_time(life: Life, patience: float) -> None:
    """A tracker's client may hang for ever; nobody may be left to end this process then."""

    def watch() -> None:
        while not life.is_over():
            _Time.sleep(POLL_SECONDS)
        _Time.sleep(patience)
        _say(f"the run ended {patience:g} s ago, and the tracker does not take the rest")
        os._exit(Unavailable.exit_code)

    threading.Thread(target=watch, daemon=True).start()


def _print_to(path: Path) -> None:
    """What this process and its libraries print goes to a file; where there can be none, nowhere."""
    try:
        path.parent.mkdir(exist_ok=True)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    except OSError:
        return
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _say(message: str) -> None:
    try:
        print(f"rzero_track: {message}", file=sys.stderr, flush=True)
    except OSError:
        pass  # A disk that is full.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rzero_track", description="Send a run's figures to a tracker.")
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--to", required=True, choices=list(TRACKERS))
    parser.add_argument("--project", default="rzero", help="project; experiment of mlflow (default: rzero)")
    parser.add_argument(
        "--name", default="", help="what the tracker calls the run (default: its folder's name)"
    )
    parser.add_argument("--entity", default="", help="user or team of wandb")
    parser.add_argument("--follow", action="store_true", help="go on until the run is over")
    parser.add_argument("--log", type=Path, help="file for what is printed")
    parser.add_argument(
        "--patience",
        type=float,
        default=2 * PATIENCE_SECONDS,
        help="seconds after the run's end in which all must be sent (default: %(default)g)",
    )
    return parser


if __name__ == "__main__":
    # Some clients leave threads behind that would be waited for.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
