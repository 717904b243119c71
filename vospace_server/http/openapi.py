"""/api/v1/openapi.json: every address of the service for programs (OpenAPI 3.1).

Paths, methods and summaries come from the routes and the docstrings of their endpoints, so a
new address can't be forgotten; parameters and bodies stand in `openapi_parts`.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.api import API_PATH
from vospace_server.http.addresses import Addresses
from vospace_server.http.openapi_parts import BODIES, PARAMETERS
from vospace_server.http.responses import json_document
from vospace_server.http.routing import TreeRoute

OPENAPI_PATH: Final = f"{API_PATH}/openapi.json"

_PATH: Final = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "names separated by slashes, each percent-encoded by itself",
    "schema": {"type": "string"},
}
_FAULT: Final = {
    "description": "a fault: its name, a colon, and a sentence",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
_METHODS: Final = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE")


class OpenApiEndpoint:
    """Describes the routes it is given; the document is made once."""

    def __init__(
        self, *, routes: Sequence[TreeRoute], addresses: Addresses, version: str
    ) -> None:
        self._routes = routes
        self._root = addresses.root
        self._version = version

    async def get(self, _request: Request) -> Response:
        """This document."""
        return json_document(self.document)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The description as OpenAPI has it."""
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "vospace",
                "version": self._version,
                "description": "VOSpace 2.1 with groups and quotas, and the JSON extension.",
                "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
            },
            "paths": {route.template: self._path(route) for route in self._routes},
            "components": {
                "securitySchemes": {
                    "basic": {"type": "http", "scheme": "basic"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                }
            },
            "security": [{}, {"basic": []}, {"bearer": []}],
        }

    def _path(self, route: TreeRoute) -> dict[str, Any]:
        name = route.template.removeprefix(self._root)
        methods = [each for each in _METHODS if each in route.endpoints]
        described: dict[str, Any] = {
            method.lower(): _operation(route, method, name) for method in methods
        }
        if route.template.endswith("{path}"):
            described["parameters"] = [_PATH]
        return described


def _operation(route: TreeRoute, method: str, name: str) -> dict[str, Any]:
    said = inspect.getdoc(route.endpoints[method]) or "Headers of the GET alone."
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}{name.replace('/', '-').replace('{path}', 'path')}",
        "summary": said.partition("\n\n")[0].replace("\n", " "),
        "parameters": [_parameter(*each) for each in PARAMETERS.get((method, name), ())],
        "responses": {"default": _FAULT, "2XX": {"description": "done"}},
    }
    if method in {"GET", "PUT", "POST"}:
        operation["responses"]["3XX"] = {"description": "the answer is at another address"}
    body = BODIES.get((method, name))
    if body is not None:
        operation["requestBody"] = {"content": {kind: {"schema": body[kind]} for kind in body}}
    return operation


def _parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": dict(schema)}
