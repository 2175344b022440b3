"""That the core stays ideas: what it may import is listed here, and nothing else comes along."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "cwarchive" / "core"
MODULES = sorted(CORE.glob("*.py"))

ALLOWED = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "typing",
}
"""Of the standard library; of cwarchive only the core itself and the errors. With `datetime` instants are written."""

READS = {"open", "print", "input", "exec", "eval", "__import__", "now", "today", "utcnow", "read_text"}
"""Names of what is built in, or stands in an allowed module, and reads a clock, a file or a terminal all the same."""

OUTSIDE = {
    *(
        "asyncio",
        "concurrent.futures",
        "http",
        "http.client",
        "logging",
        "multiprocessing",
        "selectors",
        "socket",
        "ssl",
    ),
    *("_socket", "_sqlite3", "sqlite3", "subprocess", "threading", "urllib.request"),
    *("calendar", "sched", "random", "secrets", "tempfile", "shutil", "uuid", "zoneinfo"),
    *("apscheduler", "boto3", "botocore", "click", "dateutil", "graphyte", "jinja2", "orjson", "prometheus_client"),
    *("pydantic", "requests", "rich", "urllib3", "whisper", "yaml"),
}
"""What would mean I/O, a clock, chance, a log or a library; `time` itself is in every interpreter from its start."""


def imported(module: Path) -> set[str]:
    """Every module that the text names in an import, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}: a relative import"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_the_core_imports_only_ideas(module: Path) -> None:
    strangers = {
        name
        for name in imported(module)
        if name.split(".")[0] not in ALLOWED and name != "cwarchive.errors" and not name.startswith("cwarchive.core.")
    }

    assert strangers == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_the_core_calls_nothing_that_reads_or_writes(module: Path) -> None:
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }

    assert called & READS == set()


def test_the_whole_core_brings_no_outside_system_into_an_interpreter() -> None:
    names = ["cwarchive.errors", *(f"cwarchive.core.{module.stem}" for module in MODULES if module.stem != "__init__")]
    script = (
        "import importlib, json, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "before = set(sys.modules)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )

    fresh = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = set(json.loads(fresh.stdout))
    assert set(names) <= loaded
    assert loaded & OUTSIDE == set()
    assert {name for name in loaded if name.startswith("cwarchive")} <= {"cwarchive", "cwarchive.core", *names}
