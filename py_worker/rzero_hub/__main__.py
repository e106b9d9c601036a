"""`python -m rzero_hub FOLDER --repo OWNER/NAME --file NAME ...`: one upload; see upload.py.

The token comes from HF_TOKEN or the hub's token file. Stdout has a line of JSON for each thing to say: the
last one is {"result": ...} or {"error": {"code", "message"}}.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from huggingface_hub.utils import disable_progress_bars, logging

from rzero_hub.upload import MAIN, Upload, UploadFailure, upload


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rzero_hub", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repo", required=True)
    parser.add_argument("--file", action="append", required=True, help="of the folder; may be repeated")
    parser.add_argument("--type", choices=("model", "dataset"), default="model")
    parser.add_argument("--private", action="store_true")
    parser.add_argument("--revision", default=MAIN, help="a branch")
    parser.add_argument("--message", default="Upload")
    options = parser.parse_args(arguments)
    # What the library would say is said here.
    disable_progress_bars()
    logging.set_verbosity(logging.CRITICAL)
    what = Upload(
        options.folder,
        options.file,
        options.repo,
        options.type,
        options.private,
        options.revision,
        options.message,
    )
    try:
        result = upload(what, _say)
    except UploadFailure as failure:
        _say({"error": {"code": failure.code, "message": failure.message}})
        return 1
    _say({"result": result})
    return 0


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
