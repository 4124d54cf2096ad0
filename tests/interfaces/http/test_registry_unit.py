"""The real registry through the HTTP face, without anything behind it."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # reason: it ships no types
import pytest
from openapi_spec_validator import validate

import application
from application.kernel.use_case import load_registry
from interfaces.http.openapi import build_document
from interfaces.http.operation import Operation, read_operations
from interfaces.http.routes import ROUTES
from interfaces.schema.command import CommandSchema, result_schema

USE_CASES = load_registry(application)
OPERATIONS = read_operations(ROUTES, USE_CASES)
DOCUMENT: Any = build_document(OPERATIONS, "/v1")


@pytest.mark.parametrize("name", sorted(USE_CASES))
def test_every_use_case_has_schemas(name: str) -> None:
    """Commands can be validated and views described, those of internal use-cases too."""
    use_case = USE_CASES[name]
    jsonschema.Draft202012Validator.check_schema(CommandSchema(use_case.command, name).json_schema())
    jsonschema.Draft202012Validator.check_schema(result_schema(use_case.result))


def test_the_document_is_openapi() -> None:
    """An independent validator accepts the whole."""
    validate(DOCUMENT)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.use_case.name)
def test_examples_are_valid(operation: Operation) -> None:
    """What the document shows as an example is a command."""
    described = DOCUMENT["paths"][f"/v1{operation.path}"][operation.method.lower()]
    values: dict[str, object] = {}
    for parameter in described["parameters"]:
        if parameter.get("in") in {"path", "query"} and "example" in parameter:
            values[parameter["name"]] = parameter["example"]
    if operation.versioned:
        values["expected_version"] = 1
    if "requestBody" in described:
        values |= described["requestBody"]["content"]["application/json"]["example"]
    assert operation.schema.validate(values)


def test_every_refusal_that_is_documented_is_described() -> None:
    """References to shared responses, headers and parameters all resolve."""
    responses = DOCUMENT["components"]["responses"]
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert response["$ref"].rpartition("/")[2] in responses
