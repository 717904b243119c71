"""What every way of speaking to a VOSpace offers; there are two (architecture decision 1)."""

import typing
from collections.abc import Iterator, Sequence

from vofs.client.bundles import BundleItem
from vofs.client.byte_ranges import OpenedContent
from vospace_model.api import AttributeChange, Entry, QuotaReport
from vospace_model.properties import Property, PropertyChange
from vospace_model.uris import NodePath


class Dialect(typing.Protocol):
    """Operations on nodes. All raise the service's Fault, or an error of client/errors.py."""

    def get_node(self, path: NodePath) -> Entry:
        """The node; a link is the link itself."""

    def open_content(self, path: NodePath) -> OpenedContent:
        """The node's version of now and where its bytes are; links have been followed."""

    def list(self, path: NodePath, *, deep: bool) -> Iterator[Entry]:
        """The container, then its children in a stable order, each with its relative `path`.

        With `deep`, all descendants, each container before its children.
        """

    def create_container(self, path: NodePath) -> Entry:
        """Make an empty folder."""

    def create_link(self, path: NodePath, target: str) -> Entry:
        """Make a link; the target need not exist."""

    def delete(self, path: NodePath) -> None:
        """Remove a node; a link is removed itself."""

    def move(self, source: NodePath, destination: NodePath, *, overwrite: bool) -> Entry:
        """Give a node another full path, over what is there if `overwrite` and POSIX would.

        Returns the node as it is there.
        """

    def set_attributes(self, path: NodePath, change: AttributeChange) -> Entry:
        """Change what is mentioned."""

    def quota(self, path: NodePath) -> QuotaReport:
        """The room at a place."""

    def properties(self, path: NodePath) -> Sequence[Property]:
        """All properties of a node."""

    def properties_of_children(
        self, path: NodePath
    ) -> Iterator[tuple[str, Sequence[Property]]]:
        """All properties of all children of a folder, by name."""

    def set_properties(self, path: NodePath, changes: Sequence[PropertyChange]) -> None:
        """Change the properties that are mentioned."""

    def upload_url(self, path: NodePath, length: int) -> str:
        """Where the bytes of a file are to be PUT."""

    def bundle(self, paths: Sequence[NodePath]) -> Iterator[BundleItem]:
        """The bytes of small files in one answer; nothing where that isn't offered."""
