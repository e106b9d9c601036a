"""The worker as one rank of a group, with a fault in it; tests/test_parallel.py starts it.

`python rank_faults.py FAULT ARGUMENT...`: rank 1 takes no optimiser step. It hangs (`hang`), has no memory
(`alone`), or waits for the test to kill it (`die`), which it says in the file RZERO_TEST_FILE.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from rzero_worker import __main__ as program
from rzero_worker.backends.sharded import ShardedBackend

FAULT = sys.argv.pop(1)
step = ShardedBackend.optim_step


def optim_step(self: ShardedBackend, params):
    if os.environ["RANK"] != "1":
        return step(self, params)
    if FAULT == "alone":
        raise MemoryError("none left")
    if FAULT == "die":
        Path(os.environ["RZERO_TEST_FILE"]).write_text(str(os.getpid()))
    threading.Event().wait()


ShardedBackend.optim_step = optim_step
sys.exit(program.main())
