"""What editors need to know about the config: a JSON Schema from the models that check it."""

from __future__ import annotations

from typing import Any

from cwarchive.config.models import Document


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of the config file, either a document or a bare list of entries."""
    document = Document.model_json_schema()
    definitions = document.pop("$defs")
    document["patternProperties"] = {"^x-": {}}
    entries = document["properties"]["metrics"] | {"description": "A bare list is the list of metrics."}
    whole: dict[str, Any] = _tightened(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "cwarchive",
            "anyOf": [{"$ref": "#/$defs/Document"}, entries],
            "$defs": {**definitions, "Document": document},
        }
    )
    return whole


def _tightened(schema: Any) -> Any:  # noqa: ANN401  any part of a schema
    """What holds everywhere: no list is empty, and a key that may be left out does not take null instead."""
    if isinstance(schema, list):
        return [_tightened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _tightened(value) for key, value in schema.items() if (key, value) != ("default", None)}
    return {**kept, "minItems": 1} if kept.get("type") == "array" else kept
