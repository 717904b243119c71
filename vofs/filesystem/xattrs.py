"""Extended attributes: `user.vospace.NAME` is a property of the node.

`user.vospace.title` is the standard's `…core#title`; any other property has its whole URI
behind `user.vospace.`. A few more, `user.vofs.…`, tell about the mount; they are answered when
asked for by name and left out of lists, so that `cp -a` doesn't copy them.
"""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cachetools import TTLCache

from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.errors import (
    AttributeExists,
    AttributeNotFound,
    AttributeNotSupported,
    AttributeReadOnly,
    ReadOnlyMount,
)
from vofs.filesystem.namespace import Namespace
from vofs.filesystem.writers import SharedWriter
from vospace_model.api import Entry
from vospace_model.faults import InvalidURI
from vospace_model.properties import (
    Cadc,
    Core,
    Property,
    PropertyChange,
    RemoveProperty,
    SetProperty,
    is_administered,
    is_read_only,
)
from vospace_model.uris import NodePath, VosUri

PREFIX: Final = "user.vospace."
_ABOUT_MOUNT: Final = "user.vofs."
_CORE: Final = "ivo://ivoa.net/vospace/core#"
_MANY: Final = 4096
# `cp -a` and Python's copytree ask for the attributes of every file: from the third file of a
# folder on, those of all its files come in one answer, which is good for so long.
_ASKED_TO_ASK_ALL: Final = 3
_FOLDER_SECONDS: Final = 10.0
# What has its own place in stat(2); changing it here would be a second way to do chmod.
_SHOWN_OTHERWISE: Final = frozenset(
    {
        Core.LENGTH,
        Core.DATE,
        Core.MTIME,
        Core.CTIME,
        Core.BTIME,
        Core.CONTENT_DATE,
        Cadc.READABLE,
        Cadc.WRITABLE,
        Core.AVAILABLESPACE,
    }
)


class ExtendedAttributes:
    """Properties as attributes, asked for at the service and remembered for a moment."""

    def __init__(
        self,
        *,
        client: VOSpaceClient,
        namespace: Namespace,
        is_cached: Callable[[Entry], bool],
        unsent: Callable[[NodePath], SharedWriter | None],
        read_only: bool,
        seconds: float,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._is_cached = is_cached
        # A file that the service does not know yet has no properties.
        self._unsent = unsent
        self._read_only = read_only
        # Guards the stores; not held while the service is asked.
        self._lock = threading.Lock()
        self._asked: TTLCache[tuple[str, ...], int] = TTLCache(_MANY, _FOLDER_SECONDS)
        self._of_folders: TTLCache[tuple[str, ...], Sequence[Property]] = TTLCache(
            _MANY, _FOLDER_SECONDS
        )
        self._known: TTLCache[tuple[str, ...], Sequence[Property]] = TTLCache(
            _MANY, max(seconds, 1.0)
        )

    def get(self, path: NodePath, name: str) -> bytes:
        """The value; raises AttributeNotFound."""
        if name.startswith(_ABOUT_MOUNT):
            return self._about(path, name.removeprefix(_ABOUT_MOUNT))
        if not name.startswith("user."):
            # `ls -l` asks for two of these on every line, until it hears that there are none
            # on this file system: "no such attribute" would cost it two calls a file.
            raise AttributeNotSupported(f"{name}: only {PREFIX}* is kept in a VOSpace")
        if not name.startswith(PREFIX):
            raise AttributeNotFound(name)
        wanted = uri_of(name)
        for item in self._properties(path):
            if item.uri == wanted:
                return item.value.encode()
        raise AttributeNotFound(name)

    def names(self, path: NodePath) -> list[str]:
        """The names of the properties that a copy of the file could be given."""
        return [
            name_of(item.uri)
            for item in self._properties(path)
            if item.uri not in _SHOWN_OTHERWISE
        ]

    def set(
        self, path: NodePath, name: str, value: bytes, *, create: bool, replace: bool
    ) -> None:
        """Give a property a value; `create` and `replace` say whether it may exist or must."""
        if not name.startswith(PREFIX):
            # Before the value is looked at: an access control list is no text.
            raise AttributeNotSupported(f"{name}: only {PREFIX}* is kept in a VOSpace")
        uri = uri_of(name)
        if create or replace:
            exists = any(item.uri == uri for item in self._properties(path))
            if create and exists:
                raise AttributeExists(name)
            if replace and not exists:
                raise AttributeNotFound(name)
        self._change(path, name, SetProperty(uri=uri, value=value.decode()))

    def remove(self, path: NodePath, name: str) -> None:
        """Delete a property; raises AttributeNotFound."""
        uri = uri_of(name)
        if all(item.uri != uri for item in self._properties(path)):
            raise AttributeNotFound(name)
        self._change(path, name, RemoveProperty(uri=uri))

    def _change(self, path: NodePath, name: str, change: PropertyChange) -> None:
        if self._read_only:
            raise ReadOnlyMount("the mount is read-only")
        if not name.startswith(PREFIX):
            raise AttributeNotSupported(f"{name}: only {PREFIX}* is kept in a VOSpace")
        if is_read_only(change.uri) or is_administered(change.uri):
            raise AttributeReadOnly(f"{name} is set by the service alone")
        unsent = self._unsent(path)
        if unsent is not None:
            unsent.file.flush()
        self._client.set_properties(path, [change])
        with self._lock:
            self._known.pop(path.names, None)
            self._of_folders.pop(path.names, None)
        self._namespace.doubt(path)

    def _properties(self, path: NodePath) -> Sequence[Property]:
        if self._unsent(path) is not None:
            return ()
        with self._lock:
            known = self._known.get(path.names) or self._of_folders.get(path.names)
        if known is not None:
            return known
        if self._is_copied(path):
            self._ask_folder(path.parent)
            with self._lock:
                known = self._of_folders.get(path.names)
            if known is not None:
                return known
        found = self._client.properties(path)
        with self._lock:
            self._known[path.names] = found
        return found

    def _is_copied(self, path: NodePath) -> bool:
        """Whether a program asks for the attributes of one file of a folder after the other."""
        folder = path.names[:-1]
        with self._lock:
            count = self._asked.get(folder, 0) + 1
            self._asked[folder] = count
        return count == _ASKED_TO_ASK_ALL

    def _ask_folder(self, folder: NodePath) -> None:
        """Take the properties of all its children, up to as many as are remembered."""
        children = list(itertools.islice(self._client.properties_of_children(folder), _MANY))
        with self._lock:
            for name, properties in children:
                self._of_folders[(*folder.names, name)] = properties

    def _about(self, path: NodePath, what: str) -> bytes:
        if self._unsent(path) is not None:
            raise AttributeNotFound(_ABOUT_MOUNT + what)
        entry = self._namespace.entry(path)
        answers: Mapping[str, Callable[[], str | None]] = {
            "uri": lambda: str(VosUri(self._client.authority, path)),
            "content": lambda: entry.content,
            "md5": lambda: entry.md5,
            "owner": lambda: entry.owner,
            "cached": lambda: "true" if self._is_cached(entry) else "false",
        }
        answer = answers.get(what)
        value = None if answer is None else answer()
        if value is None:
            raise AttributeNotFound(_ABOUT_MOUNT + what)
        return value.encode()


def uri_of(name: str) -> str:
    """The property that an attribute stands for."""
    word = name.removeprefix(PREFIX)
    if not word:
        raise InvalidURI("an attribute needs a name")
    candidate = _CORE + word
    return candidate if candidate in _CORE_PROPERTIES else word


def name_of(uri: str) -> str:
    """The attribute that stands for a property."""
    word = uri.removeprefix(_CORE)
    return PREFIX + (word if uri in _CORE_PROPERTIES else uri)


_CORE_PROPERTIES: Final = frozenset(
    value for name, value in vars(Core).items() if name.isupper() and value.startswith(_CORE)
)
