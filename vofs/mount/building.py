"""Builds the file system of one mount: every object once, by hand, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from vofs.cache.block_cache import BlockCache
from vofs.cache.node_cache import NodeCache
from vofs.client.connection import Connection
from vofs.client.credentials import (
    Anonymous,
    Credentials,
    Password,
    describe_credentials,
    find_credentials,
)
from vofs.client.service import read_endpoints
from vofs.client.service_location import ServiceLocation, locate, parse_source
from vofs.client.traffic import Traffic
from vofs.client.vospace_client import VOSpaceClient
from vofs.config import MountConfig
from vofs.filesystem.aliases import Aliases
from vofs.filesystem.availability import Availability
from vofs.filesystem.contents import Contents
from vofs.filesystem.errors import NotAContainer
from vofs.filesystem.file_access import FileAccess
from vofs.filesystem.filesystem import FileSystem, MountedPlace
from vofs.filesystem.kernel_versions import Detach, KernelVersions
from vofs.filesystem.namespace import Namespace
from vofs.filesystem.open_files import OpenFiles
from vofs.filesystem.removals import Removals
from vofs.filesystem.sibling_prefetch import SiblingPrefetch
from vofs.filesystem.spool import Spool
from vofs.filesystem.tree_walks import TreeWalks
from vofs.filesystem.write_back import WriteBack, write_back_of
from vofs.filesystem.writers import Writers
from vofs.filesystem.xattrs import ExtendedAttributes
from vofs.kernel.callers import is_running
from vofs.mount.errors import MountError, RefusedError
from vospace_model.api import Entry
from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath, VosUri

_MAX_ROOT_LINKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The space that is to be mounted: reached, and with a folder at its root."""

    client: VOSpaceClient
    location: ServiceLocation
    credentials: Credentials
    root: NodePath

    @property
    def caller(self) -> str | None:
        """Our name at the service, as far as the credentials tell it."""
        return self.credentials.user if isinstance(self.credentials, Password) else None

    @property
    def is_anonymous(self) -> bool:
        """Whether the service takes us for nobody."""
        return isinstance(self.credentials, Anonymous)


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedSpace:
    """The parts that outlive a call: for the kernel, for `vofs status`, and to be closed."""

    space: Space
    cache: BlockCache
    namespace: Namespace
    availability: Availability
    contents: Contents
    files: OpenFiles
    writers: Writers
    write_back: WriteBack
    filesystem: FileSystem
    service_id: str

    def close(self) -> None:
        """Stop what runs and close what is open."""
        self.cache.close()
        self.space.client.close()


def reach_space(config: MountConfig, environment: Mapping[str, str]) -> Space:
    """Find the service, find credentials for it, and look at the node to be mounted.

    Raises what stands in the way: CredentialRejected, ServiceNotFound, Unreachable, TimedOut,
    MalformedAnswer, NotAContainer, or the service's fault.
    """
    source = parse_source(config.source)
    traffic = Traffic()
    scout = Connection(config=config.connection, traffic=traffic)
    try:
        location = locate(source, config.location, scout)
    finally:
        scout.close()
    credentials = find_credentials(
        config.credentials,
        host=location.host,
        secure=location.secure,
        environment=environment,
    )
    connection = Connection(config=config.connection, credentials=credentials, traffic=traffic)
    try:
        endpoints = read_endpoints(connection, location.base_url, authority=location.authority)
        client = VOSpaceClient(connection, endpoints)
        root = _root_container(client, source.path)
    except (NotAuthenticated, PermissionDenied) as fault:
        raise RefusedError(fault, describe_credentials(credentials)) from fault
    return Space(client=client, location=location, credentials=credentials, root=root)


def _root_container(client: VOSpaceClient, path: NodePath) -> NodePath:
    """The folder to mount: the node at the path, or the one that a link there leads to."""
    for _ in range(_MAX_ROOT_LINKS):
        entry = client.get_node(path)
        if entry.type is NodeType.CONTAINER:
            return path
        if entry.type is not NodeType.LINK or entry.target is None:
            raise NotAContainer(f"{path} is a file; only a folder can be mounted")
        path = VosUri.parse(entry.target).path
    raise NotAContainer(f"{path} is a link that leads nowhere")


def open_cache(config: MountConfig) -> BlockCache:
    """The cache directory; raises MountError when it can't be used."""
    directory = config.cache.directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return BlockCache(config.cache)
    except OSError as error:
        raise MountError(
            f"the cache {directory} can't be used: {error.strerror or error}"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The parts that know nodes and read bytes."""

    availability: Availability
    versions: KernelVersions
    namespace: Namespace
    contents: Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """The parts that change files, and those that keep what is open."""

    files: OpenFiles
    removals: Removals
    writers: Writers
    write_back: WriteBack
    access: FileAccess


def build(
    config: MountConfig, space: Space, cache: BlockCache, *, aliases: Aliases, detach: Detach
) -> MountedSpace:
    """All parts of the file system, from the bottom up."""
    place = MountedPlace(
        root=space.root,
        mountpoint=str(config.mountpoint),
        read_only=config.read_only or space.is_anonymous,
    )
    service_id = f"{space.location.base_url} {space.location.authority}"
    reading = _build_reading(config, space, cache, detach)
    spool = Spool(directory=cache.spool_directory, service=service_id, cache=cache)
    writing = _build_writing(config, space, reading, spool, aliases)
    filesystem = FileSystem(
        place=place,
        client=space.client,
        namespace=reading.namespace,
        versions=reading.versions,
        files=writing.files,
        writers=writing.writers,
        write_back=writing.write_back,
        aliases=aliases,
        removals=writing.removals,
        access=writing.access,
        xattrs=_build_xattrs(config, space, reading, writing.writers, place),
    )
    return MountedSpace(
        space=space,
        cache=cache,
        namespace=reading.namespace,
        availability=reading.availability,
        contents=reading.contents,
        files=writing.files,
        writers=writing.writers,
        write_back=writing.write_back,
        filesystem=filesystem,
        service_id=service_id,
    )


def _build_writing(
    config: MountConfig, space: Space, reading: _Reading, spool: Spool, aliases: Aliases
) -> _Writing:
    files = OpenFiles()
    removals = Removals(
        delete=space.client.delete,
        on_removed=reading.namespace.removed,
        on_failed=reading.namespace.doubt,
    )
    writers = Writers(
        client=space.client,
        contents=reading.contents,
        spool=spool,
        strict=config.strict,
        # FileAccess is made of the writers; it is asked for when a file has been sent.
        on_uploaded=lambda path, entry: access.uploaded(path, entry),  # noqa: PLW0108
        on_resent=lambda path, entry: access.resent(path, entry),  # noqa: PLW0108
    )
    write_back = write_back_of(config.write_back, space.client, writers, spool)
    access = FileAccess(
        namespace=reading.namespace,
        contents=reading.contents,
        versions=reading.versions,
        files=files,
        writers=writers,
        write_back=write_back,
        aliases=aliases,
        removals=removals,
        is_running=is_running,
        read_only=config.read_only or space.is_anonymous,
        owner=space.caller or "",
    )
    return _Writing(
        files=files, removals=removals, writers=writers, write_back=write_back, access=access
    )


def _build_reading(
    config: MountConfig, space: Space, cache: BlockCache, detach: Detach
) -> _Reading:
    availability = Availability(config.availability)
    versions = KernelVersions(
        detach=detach, damage_count=lambda: cache.statistics().damaged_contents
    )
    namespace = Namespace(
        client=space.client,
        cache=NodeCache[Entry](config.nodes),
        config=config.namespace,
        availability=availability,
        walks=TreeWalks(config.walks),
        on_replaced=versions.replaced,
    )
    prefetch = SiblingPrefetch(
        client=space.client, namespace=namespace, cache=cache, config=config.prefetch
    )
    contents = Contents(
        client=space.client, namespace=namespace, cache=cache, prefetch=prefetch
    )
    return _Reading(
        availability=availability, versions=versions, namespace=namespace, contents=contents
    )


def _build_xattrs(
    config: MountConfig, space: Space, reading: _Reading, writers: Writers, place: MountedPlace
) -> ExtendedAttributes:
    return ExtendedAttributes(
        client=space.client,
        namespace=reading.namespace,
        is_cached=reading.contents.is_cached,
        unsent=writers.unsent,
        read_only=place.read_only,
        seconds=config.namespace.attr_timeout_seconds,
    )
