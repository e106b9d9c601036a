"""Say what an environment named in RZERO_PYTHON lacks: one JSON document on standard output.

Usage: ownPython.py PYPROJECT EXTRA...   Reads the project's own requirements, so that there is one list.
Needs nothing but the standard library of Python 3.11.
"""

import importlib
import importlib.metadata
import json
import operator
import re
import sys
import sysconfig
import tomllib

MODULES = {"pyzmq": "zmq", "scikit-learn": "sklearn"}
OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "~=": operator.ge,
}


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version without trailing zeros; a suffix such as +cpu does not count."""
    numbers = [int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def lack(requirement: str, own: str) -> str | None:
    """Return what is missing for one requirement, or None when it is met."""
    name, conditions = re.match(r"([\w.-]+)(?:\[[^]]*\])?([^;]*)", requirement.strip()).groups()
    if name == own:
        return None
    try:
        importlib.import_module(MODULES.get(name, name.replace("-", "_")))
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None  # It imports; who put it there without records knows its version.
    except Exception as error:  # noqa: BLE001 - a package may fail to import in any way
        return name if isinstance(error, ModuleNotFoundError) else f"a {name} that imports ({error})"
    for sign, wanted in re.findall(r"([<>=!~]=|[<>])\s*([\w.]+)", conditions):
        if not OPERATORS[sign](release(have), release(wanted)):
            return f"{name} {conditions.strip()} (it has {have})"
    return None


def main(pyproject: str, *extras: str) -> None:
    """Print {"lacks": [...], "site": folder whose time stamp changes with every installation}."""
    with open(pyproject, "rb") as file:
        project = tomllib.load(file)["project"]
    optional = project.get("optional-dependencies", {})
    wanted = project.get("dependencies", []) + [item for extra in extras for item in optional.get(extra, [])]
    lacks = [missing for item in wanted if (missing := lack(item, project["name"]))]
    print(json.dumps({"lacks": lacks, "site": sysconfig.get_path("purelib")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
