"""A grader of others as a filter: JSON lines {"gold", "pred"} in, {"equal", "ms", "error"} out.

Usage: peer.py math-verify|mathruler
"""

import json
import re
import sys
import time

# A text with mathematics in it, and not a bare answer; `\$` is money.
WHOLE = re.compile(r"\\boxed|(?<!\\)\$|\\\(|\\\[")


def math_verify():
    """Math-Verify; an answer that is no whole text goes into a box, as its documentation advises."""
    from math_verify import parse, verify

    def text(answer):
        return answer if WHOLE.search(answer) else f"\\boxed{{{answer}}}"

    return lambda gold, pred: verify(parse(text(gold)), parse(text(pred)))


def mathruler():
    """Mathruler, as R-Zero calls it, in one direction."""
    from mathruler.grader import extract_boxed_content, grade_answer

    def text(answer):
        return extract_boxed_content(answer) if "\\boxed" in answer else answer

    return lambda gold, pred: grade_answer(text(pred), text(gold))


def main():
    """Answer each line of stdin."""
    grade = {"math-verify": math_verify, "mathruler": mathruler}[sys.argv[1]]()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        pair = json.loads(line)
        start = time.perf_counter()
        equal, error = None, None
        try:
            equal = bool(grade(pair["gold"], pair["pred"]))
        except Exception as problem:
            error = type(problem).__name__
        ms = 1000 * (time.perf_counter() - start)
        print(json.dumps({"equal": equal, "ms": ms, "error": error}), flush=True)


main()
