"""A grader of others as a filter: JSON lines {"gold", "pred"} in, {"equal", "ms", "error"} out.

Usage: peer.py math-verify|mathruler
"""

import json
import sys
import time


def math_verify():
    from math_verify import parse, verify

    def text(answer):
        whole = any(mark in answer for mark in ("\\boxed", "$", "\\(", "\\["))
        return answer if whole else f"\\boxed{{{answer}}}"

    return lambda gold, pred: verify(parse(text(gold)), parse(text(pred)))


def mathruler():
    from mathruler.grader import extract_boxed_content, grade_answer

    def text(answer):
        return extract_boxed_content(answer) if "\\boxed" in answer else answer

    return lambda gold, pred: grade_answer(text(pred), text(gold))


def main():
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
