"""Whether the suite catches every deliberate defect: each is put into a copy of the tree, and its tests must fail."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.defects.table import DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[2]
TESTS_FAILED = 1
"""pytest's exit code; any other means that no test has judged."""

_FAILED = re.compile(r"^FAILED (?:\S*/)?(\S+)", re.MULTILINE)


def main() -> int:
    """Try the defects that were asked for; 1 where one survives or no longer applies, or the suite fails without."""
    parser = argparse.ArgumentParser(prog="python -m tests.defects", description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of the names of defects (default: all)")
    only = parser.parse_args().only
    chosen = [defect for defect in DEFECTS if not only or any(text in defect.name for text in only)]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cwarchive-defects-") as folder:
        tree = _copy(Path(folder))
        whole = all([_holds_without(tree, chosen), *[_is_caught(tree, defect) for defect in chosen]])
    sys.stdout.write(f"{len(chosen)} defects in {time.perf_counter() - began:.0f} s\n")
    return 0 if whole else 1


def _copy(folder: Path) -> Path:
    leave = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in ("cwarchive", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _holds_without(tree: Path, defects: Iterable[Defect]) -> bool:
    """Whether the tests pass that the defects are to fail: else nothing would be proven."""
    files = dict.fromkeys(test for defect in defects for test in defect.tests if test.endswith(".py"))
    began = time.perf_counter()
    code, output = _tested(tree, list(files))
    if code:
        sys.stdout.write(output)
    return _told("(no defect)", "pass" if not code else "FAIL, so that nothing is proven", began, fine=not code)


def _is_caught(tree: Path, defect: Defect) -> bool:
    file = tree / defect.file
    before = file.read_text()
    began = time.perf_counter()
    if before.count(defect.old) != 1:
        return _told(defect.name, f"NO LONGER APPLIES to {defect.file}", began, fine=False)
    file.write_text(before.replace(defect.old, defect.new))
    try:
        code, output = _tested(tree, defect.tests)
    finally:
        file.write_text(before)
    caught = _FAILED.search(output)
    if code != TESTS_FAILED or caught is None:
        return _told(defect.name, f"SURVIVES ({defect.why})", began, fine=False)
    return _told(defect.name, caught[1], began, fine=True)


def _tested(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """The exit code of pytest, and its output; it stops at the first failure, always with the same examples."""
    words = ("-m", "pytest", "-q", "-x", "-rfE", "--tb=line", "-p", "no:randomly", "-p", "no:cacheprovider", *tests)
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    ended = subprocess.run(
        [sys.executable, *words, "--hypothesis-seed=0"],
        cwd=tree,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def _told(name: str, what: str, began: float, *, fine: bool) -> bool:
    sys.stdout.write(f"{name:<58} {time.perf_counter() - began:5.1f} s  {what}\n")
    sys.stdout.flush()
    return fine


if __name__ == "__main__":
    sys.exit(main())
