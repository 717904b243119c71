"""PackageService: many nodes as one archive, streamed, of a length that is known beforehand.

The list of what goes in is made first and names contents, not nodes (package_plan). Contents
never change, so what was listed is what is sent, whatever happens to the nodes meanwhile; one
that was deleted and collected in between (after a grace of a day) ends the stream short of the
announced length, which every client notices. No transaction is open while bytes flow.
"""

import tempfile
import zlib
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Final, Protocol

from vospace_model.uris import NodePath
from vospace_server.domain.archive_entries import ArchiveEntry, ArchiveFormat, EntryKind
from vospace_server.domain.identity import Caller
from vospace_server.domain.tar_layout import (
    TAR_END,
    tar_entry_length,
    tar_header,
    tar_padding,
)
from vospace_server.domain.zip_layout import (
    stored_link,
    zip_descriptor,
    zip_directory_record,
    zip_end,
    zip_entry_length,
    zip_header,
)
from vospace_server.services.package_plan import PackagePlan, PackagePlanner, PlannedEntry
from vospace_server.storage.object_store import ObjectKey, ObjectStore, read_range

CHUNK_BYTES: Final = 1 << 20
# The directory of a zip archive of up to some ten thousand entries stays in memory.
_DIRECTORY_IN_MEMORY: Final = 1 << 20


class _Layout(Protocol):
    """How a format puts entries one after the other."""

    def length(self, plan: PackagePlan) -> int:
        """The bytes of the archive of a plan."""

    def write(self, plan: PackagePlan, store: ObjectStore) -> Generator[bytes, None, None]:
        """These bytes."""


class Package:
    """One archive: what to say of it, and its bytes, once. Close it in any case."""

    def __init__(
        self, *, plan: PackagePlan, archive: ArchiveFormat, store: ObjectStore, file_name: str
    ) -> None:
        self._plan = plan
        self._store = store
        self._layout = _LAYOUTS[archive]
        self.media_type: str = archive.value
        self.file_name = file_name
        self.entries = plan.count
        self.length = self._layout.length(plan)

    def chunks(self) -> Generator[bytes, None, None]:
        """The archive. Raises StoreError when a content can't be read to its end."""
        return self._layout.write(self._plan, self._store)

    def close(self) -> None:
        """Forget the list of what goes in; harmless when repeated."""
        self._plan.close()


class PackageService:
    """Makes packages."""

    def __init__(self, *, planner: PackagePlanner, store: ObjectStore) -> None:
        self._planner = planner
        self._store = store

    def open(
        self, caller: Caller, targets: Sequence[NodePath], archive: ArchiveFormat
    ) -> Package:
        """The package of these targets, as far as the caller may read them; maybe empty.

        Raises InvalidArgument for more nodes than an archive can usefully hold.
        """
        plan = self._planner.plan(caller, targets)
        try:
            name = archive_file_name(targets, archive)
            return Package(plan=plan, archive=archive, store=self._store, file_name=name)
        except BaseException:
            plan.close()
            raise


class _Tar:
    def length(self, plan: PackagePlan) -> int:
        return sum(tar_entry_length(each.entry) for each in plan.entries()) + len(TAR_END)

    def write(self, plan: PackagePlan, store: ObjectStore) -> Generator[bytes, None, None]:
        for planned in plan.entries():
            yield tar_header(planned.entry)
            yield from _content(planned, store)
            yield tar_padding(planned.entry.length)
        yield TAR_END


class _Zip:
    def length(self, plan: PackagePlan) -> int:
        offset = directory_length = count = 0
        for planned in plan.entries():
            directory_length += len(zip_directory_record(planned.entry, 0, offset))
            offset += zip_entry_length(planned.entry)
            count += 1
        end = zip_end(count, directory_length, offset)
        return offset + directory_length + len(end)

    def write(self, plan: PackagePlan, store: ObjectStore) -> Generator[bytes, None, None]:
        offset = directory_length = count = 0
        with tempfile.SpooledTemporaryFile(_DIRECTORY_IN_MEMORY) as directory:
            for planned in plan.entries():
                entry = planned.entry
                crc = zlib.crc32(stored_link(entry))
                yield zip_header(entry, crc)
                for chunk in _content(planned, store):
                    crc = zlib.crc32(chunk, crc)
                    yield chunk
                yield stored_link(entry) + zip_descriptor(entry, crc)
                directory_length += directory.write(zip_directory_record(entry, crc, offset))
                offset += zip_entry_length(entry)
                count += 1
            directory.seek(0)
            while chunk := directory.read(CHUNK_BYTES):
                yield chunk
        yield zip_end(count, directory_length, offset)


_LAYOUTS: Final[dict[ArchiveFormat, _Layout]] = {
    ArchiveFormat.TAR: _Tar(),
    ArchiveFormat.ZIP: _Zip(),
}


def _content(planned: PlannedEntry, store: ObjectStore) -> Generator[bytes, None, None]:
    """The bytes of a file, exactly as many as its entry says."""
    entry: ArchiveEntry = planned.entry
    if entry.kind is not EntryKind.FILE or not entry.length:
        return
    with closing(store.open(ObjectKey(planned.object_key))) as reader:
        yield from read_range(reader, 0, entry.length, chunk_bytes=CHUNK_BYTES)


def archive_file_name(targets: Sequence[NodePath], archive: ArchiveFormat) -> str:
    """What an archive is called: like the one thing in it, else `vospace`."""
    names = {target.name for target in targets}
    name = names.pop() if len(names) == 1 and "" not in names else "vospace"
    return f"{name}.{archive.extension}"
