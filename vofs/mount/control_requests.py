"""What a running mount does for `vofs`: tell its state, fetch, pin, evict, send."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from vofs.client.errors import ClientError
from vofs.filesystem.errors import FileSystemError
from vofs.filesystem.spool import Orphan
from vofs.mount.building import MountedSpace
from vofs.mount.control_protocol import ControlError, ControlRequest
from vofs.mount.status import StatusReporter
from vospace_model.api import Entry
from vospace_model.faults import Fault, NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath

_WARM_THREADS: Final = 4
_WARM_BYTES: Final = 1024 * 1024
_FLUSH_SECONDS: Final = 24 * 3600.0

Files = Iterator[tuple[NodePath, Entry]]


class ControlRequests:
    """The commands, by name. Each runs in a thread of its own."""

    def __init__(
        self, mounted: MountedSpace, status: StatusReporter, *, mountpoint: Path
    ) -> None:
        self._mounted = mounted
        self._status = status
        self._mountpoint = mountpoint
        self._commands: Mapping[str, Callable[[ControlRequest], Mapping[str, Any]]] = {
            "status": lambda _request: self._status.report(),
            "warm": self._warm,
            "pin": self._pin,
            "unpin": self._unpin,
            "evict": self._evict,
            "flush": self._flush,
            "discard": self._discard,
            "forget": self._forget,
        }

    def handle(self, request: ControlRequest) -> Mapping[str, Any]:
        """Do what is asked; raises ControlError with what to tell the person."""
        command = self._commands.get(request.command)
        if command is None:
            raise ControlError(f"this mount doesn't know the command {request.command!r}")
        try:
            return command(request)
        except (Fault, ClientError, FileSystemError, OSError) as error:
            raise ControlError(str(error)) from error

    def _warm(self, request: ControlRequest) -> Mapping[str, Any]:
        files = list(self._files_below(request))
        with ThreadPoolExecutor(_WARM_THREADS, thread_name_prefix="vofs-warm") as threads:
            sizes = list(threads.map(lambda item: self._fetch(*item), files))
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _fetch(self, path: NodePath, entry: Entry) -> int:
        file = self._mounted.contents.readable(path, entry)
        buffer = memoryview(bytearray(_WARM_BYTES))
        offset = 0
        try:
            while read := file.read_into(buffer, offset):
                offset += read
        finally:
            file.close()
        return offset

    def _pin(self, request: ControlRequest) -> Mapping[str, Any]:
        for _path, entry in self._files_below(request):
            self._mounted.cache.pin(entry.content or "")
        return self._warm(request)

    def _unpin(self, request: ControlRequest) -> Mapping[str, Any]:
        count = 0
        for _path, entry in self._files_below(request):
            self._mounted.cache.unpin(entry.content or "")
            count += 1
        return {"files": count}

    def _evict(self, request: ControlRequest) -> Mapping[str, Any]:
        sizes = [
            self._mounted.cache.evict(entry.content or "")
            for _path, entry in self._files_below(request)
        ]
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _forget(self, _request: ControlRequest) -> Mapping[str, Any]:
        self._mounted.namespace.forget_all()
        return {}

    def _flush(self, _request: ControlRequest) -> Mapping[str, Any]:
        """Send what is written and what was left behind; refuses when any of it can't be."""
        write_back = self._mounted.write_back
        before = write_back.report().sent
        failures = self._mounted.filesystem.flush_all(_FLUSH_SECONDS)
        sent = write_back.report().sent - before
        for orphan in self._status.orphans():
            try:
                self._resend(orphan)
                sent += 1
            except (Fault, ClientError, FileSystemError, OSError) as error:
                failures.append(f"{orphan.path}: {error}")
        if failures:
            raise ControlError("not everything could be sent: " + "; ".join(failures))
        return {"sent": sent}

    def _discard(self, request: ControlRequest) -> Mapping[str, Any]:
        """Give up what was not sent of some files; refuses where nothing of one waits."""
        count = 0
        for text in request.paths:
            found = self._mounted.filesystem.discard_unsent(self._node(text))
            if not found:
                raise ControlError(f"nothing of {text} waits to be sent")
            count += found
        return {"versions": count}

    def _resend(self, orphan: Orphan) -> None:
        path = NodePath.parse(orphan.path)
        try:
            base = self._mounted.space.client.get_node(path)
        except NodeNotFound:
            base = None
        self._mounted.writers.resend(orphan, base)

    def _files_below(self, request: ControlRequest) -> Files:
        if not request.paths:
            raise ControlError("say which files or folders")
        for text in request.paths:
            yield from self._walk(self._node(text))

    def _walk(self, path: NodePath) -> Files:
        entry = self._mounted.namespace.entry(path)
        if entry.type is NodeType.CONTAINER:
            for child in self._mounted.namespace.children(path):
                yield from self._walk(path.child(child.name))
        elif entry.content is not None:
            yield path, entry

    def _node(self, text: str) -> NodePath:
        inside = os.path.relpath(text, self._mountpoint)
        if inside == "..":
            raise ControlError(f"{text} is not in this mount")
        names = () if inside == "." else tuple(inside.split("/"))
        if ".." in names:
            raise ControlError(f"{text} is not in this mount")
        return NodePath((*self._mounted.space.root.names, *names))
