"""The description of the service for programs."""

import httpx
import pytest

from vospace_server.http.openapi_parts import BODIES, PARAMETERS


@pytest.fixture
def described(anonymous: httpx.Client) -> dict[str, dict[str, dict[str, object]]]:
    """The paths of the document."""
    response = anonymous.get("/api/v1/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["openapi"].startswith("3.1")
    paths: dict[str, dict[str, dict[str, object]]] = response.json()["paths"]
    return paths


def test_every_operation_says_what_it_does(
    described: dict[str, dict[str, dict[str, object]]],
) -> None:
    """Contract 5 row 101: an OpenAPI document, of VOSpace and of the JSON extension alike."""
    assert "/vault/nodes/{path}" in described
    assert "/api/v1/children/{path}" in described
    for path, operations in described.items():
        for method, operation in operations.items():
            if method != "parameters":
                assert str(operation["summary"]).endswith((".", ")")), (path, method)


def test_no_parameter_or_body_is_described_for_an_address_that_is_not_there(
    described: dict[str, dict[str, dict[str, object]]],
) -> None:
    there = {
        (method.upper(), path.removeprefix("/vault"))
        for path, operations in described.items()
        for method in operations
    }

    assert set(PARAMETERS) | set(BODIES) <= there


def test_operation_ids_are_unique(
    described: dict[str, dict[str, dict[str, object]]],
) -> None:
    ids = [
        operation["operationId"]
        for operations in described.values()
        for method, operation in operations.items()
        if method != "parameters"
    ]

    assert len(ids) == len(set(ids))
