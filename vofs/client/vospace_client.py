"""The one object through which the file system speaks to a space."""

import logging
from collections.abc import Iterator, Sequence

from vofs.client.bundles import BundleItem
from vofs.client.byte_ranges import ByteRanges, OpenedContent
from vofs.client.connection import Connection
from vofs.client.dialect import Dialect
from vofs.client.errors import ClientError, ContentChanged, Unreachable
from vofs.client.json_api import JsonApi
from vofs.client.plain_vospace import PlainVospace
from vofs.client.service import ServiceEndpoints
from vofs.client.traffic import Traffic
from vofs.client.uploads import Upload, Uploads, is_refusal_of_our_own
from vospace_model.api import AttributeChange, Entry, QuotaReport
from vospace_model.faults import (
    Fault,
    NodeNotFound,
    PreconditionFailed,
    QuotaExceeded,
)
from vospace_model.properties import Property, PropertyChange
from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)


class VOSpaceClient:
    """Nodes, listings and bytes of one space. Safe for any number of threads.

    Every method raises the Fault that the service names, or an error of client/errors.py;
    every wait inside is bounded.
    """

    def __init__(self, connection: Connection, endpoints: ServiceEndpoints) -> None:
        self._connection = connection
        self._endpoints = endpoints
        self._dialect: Dialect = (
            PlainVospace(connection, endpoints)
            if endpoints.api is None
            else JsonApi(connection, endpoints, api_url=endpoints.api)
        )
        self._ranges = ByteRanges(connection, reopen=self._reopen)
        self._uploads = Uploads(connection)

    @property
    def traffic(self) -> Traffic:
        """What went over the wire."""
        return self._connection.traffic

    @property
    def authority(self) -> str:
        """The authority of the space's URIs."""
        return self._endpoints.authority

    @property
    def is_extended(self) -> bool:
        """Whether the service speaks our extension: fewer requests, atomic replacement."""
        return self._endpoints.api is not None

    def close(self) -> None:
        """Close all connections."""
        self._ranges.close()
        self._connection.close()

    def get_node(self, path: NodePath) -> Entry:
        """The node; a link is the link itself."""
        return self._dialect.get_node(path)

    def open_content(self, path: NodePath) -> OpenedContent:
        """The version that a file has now, and where its bytes are."""
        return self._dialect.open_content(path)

    def list(self, path: NodePath, *, deep: bool = False) -> Iterator[Entry]:
        """A container and its children (or all below it), as they arrive."""
        return self._dialect.list(path, deep=deep)

    def create_container(self, path: NodePath) -> Entry:
        """Make an empty folder."""
        return self._dialect.create_container(path)

    def create_link(self, path: NodePath, target: str) -> Entry:
        """Make a link."""
        return self._dialect.create_link(path, target)

    def delete(self, path: NodePath) -> None:
        """Remove a node. A container must be empty: a service may delete a whole tree."""
        self._dialect.delete(path)

    def move(self, source: NodePath, destination: NodePath, *, overwrite: bool) -> Entry:
        """Give a node another path; atomic where the service is `is_extended`."""
        return self._dialect.move(source, destination, overwrite=overwrite)

    def set_attributes(self, path: NodePath, change: AttributeChange) -> Entry:
        """Change what is mentioned."""
        return self._dialect.set_attributes(path, change)

    def quota(self, path: NodePath) -> QuotaReport:
        """The room at a place."""
        return self._dialect.quota(path)

    def properties(self, path: NodePath) -> Sequence[Property]:
        """All properties of a node."""
        return self._dialect.properties(path)

    def properties_of_children(
        self, path: NodePath
    ) -> Iterator[tuple[str, Sequence[Property]]]:
        """All properties of all children of a folder, by name."""
        return self._dialect.properties_of_children(path)

    def set_properties(self, path: NodePath, changes: Sequence[PropertyChange]) -> None:
        """Change the properties that are mentioned."""
        self._dialect.set_properties(path, changes)

    def bundle(self, paths: Sequence[NodePath]) -> Iterator[BundleItem]:
        """Small files in one answer; nothing where the service doesn't offer it."""
        return self._dialect.bundle(paths)

    def read_range(self, opened: OpenedContent, start: int, stop: int) -> Iterator[bytes]:
        """Exactly the bytes [start, stop) of the version that was opened."""
        return self._ranges.read(opened, start, stop)

    def upload(self, path: NodePath, upload: Upload) -> Entry:
        """Create or atomically replace a file; returns what is there now.

        When the connection breaks again and again and the file couldn't fit anyway, that is
        the reason that is told: a service that refuses a long body may only hang up.
        """
        url = self._upload_url(path, upload)
        try:
            entry = self._uploads.put(url, upload)
        except PreconditionFailed as error:
            found = self._existing(path)
            if found is None or not is_refusal_of_our_own(error, upload, found):
                raise
            return found
        except Unreachable as error:
            raise self._quota_reason(path, upload) or error from error
        return entry if entry is not None else self.get_node(path)

    def _upload_url(self, path: NodePath, upload: Upload) -> str:
        if self.is_extended and self._endpoints.files is not None:
            return self._endpoints.files + path.quoted()
        return self._dialect.upload_url(path, upload.length)

    def _existing(self, path: NodePath) -> Entry | None:
        try:
            return self.get_node(path)
        except NodeNotFound:
            return None

    def _quota_reason(self, path: NodePath, upload: Upload) -> Fault | None:
        try:
            report = self.quota(path.parent)
        except (Fault, ClientError) as error:
            _log.debug("no quota report for %s: %s", path.parent, error)
            return None
        if report.available is None or upload.length <= report.available:
            return None
        return QuotaExceeded(f"{upload.length} bytes, {report.available} are left")

    def _reopen(self, opened: OpenedContent) -> OpenedContent:
        """A new address for the same version; ContentChanged when it is another by now."""
        path = opened.path
        try:
            renewed = self.open_content(path)
        except NodeNotFound as error:
            raise ContentChanged(f"{path} was removed while it was open") from error
        if renewed.entry.content != opened.entry.content:
            raise ContentChanged(f"{path} was replaced while it was open")
        return renewed
