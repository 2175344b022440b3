"""Build the package data of the catalog from its source file: `python -m cwarchive.catalog.build SOURCE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("timing.json")


def timing(source: dict[str, Any]) -> dict[str, Any]:
    """Of each namespace its period and settle in seconds, and those of the metrics that differ from it."""
    return {namespace["namespace"]: _of(namespace) for namespace in source["namespaces"]}


def rendered(source: dict[str, Any]) -> str:
    """The text of the package data, one namespace a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in sorted(timing(source).items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write the package data and say where."""
    source = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    TARGET.write_text(rendered(source), encoding="utf-8")
    sys.stdout.write(f"{TARGET}: {len(source['namespaces'])} namespaces\n")
    return 0


def _of(namespace: dict[str, Any]) -> dict[str, Any]:
    period, settle = namespace["period"], namespace["settle"]
    metrics = {
        metric["name"]: [metric.get("period", period), metric.get("settle", settle)]
        for metric in namespace["metrics"]
        if "period" in metric or "settle" in metric
    }
    return {"period": period, "settle": settle, "metrics": metrics}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
