"""Math-Verify's own equality tests, read from its sources, as JSON lines.

Each is {"id", "kind", "gold", "pred", "truth"}.

Usage: upstream.py FOLDER_OF_TESTS
"""

import ast
import json
import math
import pathlib
import sys


def value(node):
    """What an expression of a test's table is; None where it is none that stands for itself."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    try:
        return eval(compile(ast.Expression(node), "case", "eval"), {"__builtins__": {}, "math": math})
    except NameError:
        return None


def tables(function):
    """Rows (gold, pred, truth) of one test function: its parameters, and direct calls of the helper."""
    for call in ast.walk(function):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name == "parametrize":
            names = [name.strip() for name in value(call.args[0]).split(",")]
            for case in call.args[1].elts if {"gold", "pred"} <= set(names) else []:
                row = dict(zip(names, value(case) or (), strict=False))
                if "gold" in row:
                    yield row["gold"], row["pred"], bool(row.get("expected", row.get("result")))
        elif name == "compare_strings":
            gold, pred = (value(argument) for argument in call.args[:2])
            if isinstance(gold, str) and isinstance(pred, str):
                yield gold, pred, True


for path in sorted(pathlib.Path(sys.argv[1]).glob("test_*.py")):
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        for index, (gold, pred, truth) in enumerate(tables(function)):
            row = {"id": f"{path.stem} {function.name} {index}", "kind": function.name}
            print(json.dumps({**row, "gold": gold, "pred": pred, "truth": truth}))
