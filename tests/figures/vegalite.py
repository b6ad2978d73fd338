"""Vega-Lite's own rules of what a specification is: the JSON schema that altair brings along."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator

from whence.figures.theme import SCHEMA


@cache
def validator() -> Draft7Validator:
    place = files("altair") / "vegalite" / "v6" / "schema" / "vega-lite-schema.json"
    definitions = json.loads(place.read_text("utf-8"))["definitions"]
    return Draft7Validator({"definitions": definitions, "$ref": "#/definitions/TopLevelLayerSpec"})


def assert_valid(specification: dict[str, Any]) -> None:
    """Fail unless it is the JSON of a layered chart with its data inside, in the version that it names."""
    assert specification["$schema"] == SCHEMA
    assert SCHEMA.endswith("/v6.json")
    assert json.loads(json.dumps(specification, allow_nan=False)) == specification
    assert [error.message for error in validator().iter_errors(specification)] == []
    assert_fields(specification)


def assert_fields(specification: dict[str, Any]) -> None:
    """Fail unless every field that a layer draws is in all rows of its data."""
    for layer in specification["layer"]:
        values = (layer.get("data") or specification["data"])["values"]
        drawn = layer["encoding"].values()
        channels = [c for one in drawn for c in (one if isinstance(one, list) else [one])]
        fields = {c["field"] for c in channels if "field" in c}
        assert values
        assert all(fields <= set(row) for row in values)
