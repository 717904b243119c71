"""The dialect of our own server: JSON for nodes and listings, plain VOSpace for the rest."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urljoin

import httpx
from typing_extensions import override

from vofs.client.bundles import BundleItem, read_bundle
from vofs.client.byte_ranges import OpenedContent
from vofs.client.connection import Connection
from vofs.client.errors import MalformedAnswer
from vofs.client.json_listing import read_listing
from vofs.client.plain_vospace import PlainVospace
from vofs.client.service import ServiceEndpoints
from vospace_model.api import (
    AttributeChange,
    BundleRequest,
    Entry,
    MoveRequest,
    QuotaReport,
    decode_json,
)
from vospace_model.faults import InvalidData
from vospace_model.properties import PropertyChange
from vospace_model.uris import NodePath

_JSON: Final = {"Accept": "application/json"}


class JsonApi(PlainVospace):
    """Overrides what the extension does better: exact answers in fewer requests."""

    def __init__(
        self, connection: Connection, endpoints: ServiceEndpoints, *, api_url: str
    ) -> None:
        super().__init__(connection, endpoints)
        self._api = api_url.rstrip("/")

    @override
    def get_node(self, path: NodePath) -> Entry:
        return _entry(self._connection.request("GET", self._node_url(path), headers=_JSON))

    @override
    def open_content(self, path: NodePath) -> OpenedContent:
        response = self._connection.request(
            "GET", self._node_url(path), params={"ticket": "true"}, headers=_JSON
        )
        entry = _entry(response)
        if entry.content is None or entry.data is None:
            return OpenedContent(path=path, entry=entry, data_url="")
        return OpenedContent(
            path=path,
            entry=entry,
            data_url=urljoin(str(response.url), entry.data),
            etag=f'"{entry.content}"',
            expires_ns=entry.expires_ns,
        )

    @override
    def create_container(self, path: NodePath) -> Entry:
        # The document of the new node lacks the exact times, which programs compare.
        super().create_container(path)
        return self.get_node(path)

    @override
    def list(self, path: NodePath, *, deep: bool) -> Iterator[Entry]:
        with self._connection.stream(
            "GET",
            f"{self._api}/children{path.quoted()}",
            params={"depth": "all" if deep else "1"},
        ) as response:
            yield from read_listing(response.iter_raw())

    @override
    def move(self, source: NodePath, destination: NodePath, *, overwrite: bool) -> Entry:
        request = MoveRequest(source=source, destination=destination, overwrite=overwrite)
        return _entry(
            self._connection.request("POST", f"{self._api}/move", json=request.to_json())
        )

    @override
    def set_attributes(self, path: NodePath, change: AttributeChange) -> Entry:
        return _entry(
            self._connection.request(
                "PATCH", self._node_url(path), headers=_JSON, json=change.to_json()
            )
        )

    @override
    def set_properties(self, path: NodePath, changes: Sequence[PropertyChange]) -> None:
        self.set_attributes(path, AttributeChange(properties=tuple(changes)))

    @override
    def quota(self, path: NodePath) -> QuotaReport:
        response = self._connection.request("GET", f"{self._api}/quota{path.quoted()}")
        try:
            return QuotaReport.from_json(decode_json(response.content))
        except InvalidData as error:
            raise MalformedAnswer(f"the quota report can't be read: {error}") from error

    @override
    def bundle(self, paths: Sequence[NodePath]) -> Iterator[BundleItem]:
        request = BundleRequest(paths=tuple(paths))
        with self._connection.stream(
            "POST", f"{self._api}/bundle", json=request.to_json()
        ) as response:
            yield from read_bundle(response.iter_raw())

    def _node_url(self, path: NodePath) -> str:
        return f"{self._api}/nodes{path.quoted()}"


def _entry(response: httpx.Response) -> Entry:
    try:
        return Entry.from_json(decode_json(response.content))
    except InvalidData as error:
        raise MalformedAnswer(f"the node can't be read: {error}") from error
