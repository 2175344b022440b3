"""That the values of a config cost nothing to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_values_are_imported_without_yaml_and_without_the_validator() -> None:
    code = "import sys, cwarchive.config, cwarchive.config.values; print({'yaml', 'pydantic'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
