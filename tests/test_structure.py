"""That the layers hold, and that the contracts which say so would catch whoever breaks them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cwarchive import __version__

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
HEAVY = {"apscheduler", "boto3", "botocore", "graphyte", "jinja2", "prometheus_client", "pydantic", "rich", "yaml"}


def test_the_tree_keeps_every_contract(tmp_path: Path) -> None:
    checked = _contracts(_copy_of_the_tree(tmp_path))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize(
    ("contract", "module", "line", "told"),
    [
        pytest.param("core", "core/window.py", "import time", "core.window -> time", id="core reads the clock"),
        pytest.param("core", "core/line.py", "import socket", "core.line -> socket", id="core does I/O"),
        pytest.param("core", "core/plan.py", "import boto3", "core.plan -> boto3", id="core uses a library"),
        pytest.param(
            "story", "core/spec.py", "import cwarchive.config", "core.spec -> cwarchive.config", id="core looks up"
        ),
        pytest.param(
            "story",
            "archive/__init__.py",
            "import cwarchive.edges.carbon",
            "archive -> cwarchive.edges.carbon",
            id="archive knows an edge",
        ),
        pytest.param(
            "story",
            "edges/carbon.py",
            "import cwarchive.config",
            "edges.carbon -> cwarchive.config",
            id="an edge knows the config",
        ),
        pytest.param(
            "edges",
            "edges/carbon.py",
            "import cwarchive.edges.lockfile",
            "edges.carbon -> cwarchive.edges.lockfile",
            id="an edge knows an edge",
        ),
        pytest.param("story", "utils.py", '"""Anything."""', "utils", id="a module without a place"),
        pytest.param("boto3", "app.py", "import botocore.session", "app -> botocore", id="app talks to AWS"),
        pytest.param("graphyte", "demo/__init__.py", "import graphyte", "demo -> graphyte", id="demo talks to carbon"),
        pytest.param("sqlite3", "app.py", "import sqlite3", "app -> sqlite3", id="app opens a database"),
        pytest.param("yaml", "app.py", "import yaml", "app -> yaml", id="app reads YAML"),
        pytest.param("apscheduler", "app.py", "import apscheduler", "app -> apscheduler", id="app schedules"),
        pytest.param("rich", "app.py", "import rich", "app -> rich", id="app draws"),
        pytest.param("click", "app.py", "import click", "app -> click", id="app talks to the terminal"),
    ],
)
def test_a_violation_is_caught(tmp_path: Path, contract: str, module: str, line: str, told: str) -> None:
    tree = _copy_of_the_tree(tmp_path)
    with (tree / "cwarchive" / module).open("a") as source:
        source.write(f"\n{line}\n")

    checked = _contracts(tree, "--contract", contract)

    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "1 broken" in checked.stdout
    assert told in checked.stdout


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import cwarchive; print(*sorted(set(sys.modules) - before))"

    assert _python("-c", code).stdout.split() == ["cwarchive"]


def test_the_version_is_told_without_the_libraries_that_do_the_work() -> None:
    told = _python("-X", "importtime", "-m", "cwarchive", "--version")

    assert told.stdout.split()[-1] == __version__
    assert not HEAVY & _imported(told.stderr)


def test_no_test_uses_a_mock_or_patches_anything_but_the_environment() -> None:
    patches = {"setattr", "delattr", "setitem", "delitem", "syspath_prepend"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom | ast.Import) and "mock" in ast.unparse(node).split())
        or (isinstance(node, ast.ImportFrom | ast.Import) and "unittest.mock" in ast.unparse(node))
        or (isinstance(node, ast.Attribute) and node.attr in patches and ast.unparse(node.value) == "monkeypatch")
    ]

    assert not found


def _copy_of_the_tree(folder: Path) -> Path:
    shutil.copytree(ROOT / "cwarchive", folder / "cwarchive", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _contracts(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _python("-c", LINT_IMPORTS, "--no-logo", "--no-cache", *arguments, folder=tree)


def _python(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def _imported(importtime: str) -> set[str]:
    """The top-level packages in what `python -X importtime` writes."""
    return {match[1].split(".")[0] for match in re.finditer(r"^import time:.*\| +(\S+)$", importtime, re.MULTILINE)}
