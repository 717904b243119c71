"""FsckService: compares what the database says with what the store holds, while both live.

Every comparison is made in one snapshot of the database, so what a running server does beside
it is no finding. Objects are compared with their rows after the rows were read; one that has
gone meanwhile is looked up again.
"""

import enum
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from typing_extensions import override

from vospace_model.uris import NodePath
from vospace_server.database.allocations import AllocationRow
from vospace_server.database.blobs import BlobRecord, BlobState
from vospace_server.database.checks import Reference
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.services.sizes import SizeService
from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    ObjectStore,
    StoreError,
    read_range,
)

_PAGE: Final = 500
# An object appears a moment before its row is stored, and nothing takes longer than this.
_ORPHAN_AGE: Final = timedelta(hours=3)


class Trouble(enum.Enum):
    """What may be wrong; the value is what a report calls it."""

    MISSING_OBJECT = "missing-object"
    DAMAGED_OBJECT = "damaged-object"
    ORPHANED_OBJECT = "orphaned-object"
    BROKEN_REFERENCE = "broken-reference"
    WRONG_SIZE = "wrong-size"
    WRONG_USAGE = "wrong-usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that is wrong: what kind, with what, and in which way."""

    trouble: Trouble
    subject: str
    detail: str
    repaired: bool = False

    @override
    def __str__(self) -> str:
        end = " (repaired)" if self.repaired else ""
        return f"{self.trouble.value} {self.subject}: {self.detail}{end}"


def _now() -> datetime:
    return datetime.now(UTC)


class FsckService:
    """Looks for damage. Repair changes only what can be put right without losing anything."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        sizes: SizeService,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._store = store
        self._sizes = sizes
        self._clock = clock

    def check(self, *, repair: bool = False, read_bytes: bool = True) -> Iterator[Damage]:
        """All that is wrong, as it is found.

        With `read_bytes`, every byte is read and compared with its digests; without, lengths
        alone. `repair` corrects sizes and use of quotas, and removes orphaned objects; what
        is missing or damaged stays as it is, for somebody to restore.
        """
        yield from self._references()
        yield from self._objects(read_bytes=read_bytes)
        yield from self._orphans(repair=repair)
        yield from self._container_sizes(repair=repair)
        yield from self._usage(repair=repair)

    # ------------------------------------------------------------------ bytes

    def _references(self) -> Iterator[Damage]:
        after = 0
        while True:
            with self._database.read() as unit:
                page = unit.checks.broken_references(after, _PAGE)
                named = [(each, _name(unit, each.node_id)) for each in page]
            for each, name in named:
                yield Damage(
                    trouble=Trouble.BROKEN_REFERENCE, subject=name, detail=_difference(each)
                )
            if len(page) < _PAGE:
                return
            after = page[-1].node_id

    def _objects(self, *, read_bytes: bool) -> Iterator[Damage]:
        after = ""
        while True:
            with self._database.read() as unit:
                page = unit.blobs.page_of_stored(after, _PAGE)
            for record in page:
                damage = self._object(record, read_bytes=read_bytes)
                if damage is not None:
                    yield damage
            if len(page) < _PAGE:
                return
            after = page[-1].content_id

    def _object(self, record: BlobRecord, *, read_bytes: bool) -> Damage | None:
        """What is wrong with an object, None if nothing is."""
        try:
            detail = self._compare(record, read_bytes=read_bytes)
        except ObjectNotFoundError:
            return self._missing(record)
        except StoreError as error:
            detail = str(error)
        if read_bytes or detail is not None:
            with self._database.write() as unit:
                unit.blobs.note_verified(record.content_id, now=self._clock(), damage=detail)
        if detail is None:
            return None
        return Damage(
            trouble=Trouble.DAMAGED_OBJECT, subject=self._owner(record), detail=detail
        )

    def _compare(self, record: BlobRecord, *, read_bytes: bool) -> str | None:
        reader = self._store.open(ObjectKey(record.object_key))
        try:
            if reader.length != record.length:
                return f"it has {reader.length} bytes, {record.length} were stored"
            if not read_bytes:
                return None
            md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
            for chunk in read_range(reader, 0, reader.length):
                md5.update(chunk)
                sha256.update(chunk)
        finally:
            reader.close()
        if (md5.hexdigest(), sha256.hexdigest()) != (record.md5, record.sha256):
            return "its digest is not that of what was stored"
        return None

    def _missing(self, record: BlobRecord) -> Damage | None:
        with self._database.read() as unit:
            present = unit.blobs.get(record.content_id)
        if present is None or present.state is not BlobState.STORED:
            return None  # collected since its row was read
        return Damage(
            trouble=Trouble.MISSING_OBJECT,
            subject=self._owner(record),
            detail=f"object {record.object_key} is not in the store",
        )

    def _owner(self, record: BlobRecord) -> str:
        """The node with this content, or the content itself when no node has it."""
        with self._database.read() as unit:
            node_id = unit.checks.node_of_content(record.content_id)
            return f"content {record.content_id}" if node_id is None else _name(unit, node_id)

    def _orphans(self, *, repair: bool) -> Iterator[Damage]:
        born_before = self._clock() - _ORPHAN_AGE
        batch: list[ObjectKey] = []
        for stored in self._store.list():
            if stored.modified < born_before:
                batch.append(stored.key)
            if len(batch) == _PAGE:
                yield from self._orphans_in(batch, repair=repair)
                batch = []
        yield from self._orphans_in(batch, repair=repair)

    def _orphans_in(self, keys: list[ObjectKey], *, repair: bool) -> Iterator[Damage]:
        with self._database.read() as unit:
            unknown = sorted(unit.checks.unknown_keys(keys))
        for key in unknown:
            if repair:
                self._store.delete(ObjectKey(key))
            yield Damage(
                trouble=Trouble.ORPHANED_OBJECT,
                subject=f"object {key}",
                detail="the database does not know it",
                repaired=repair,
            )

    # ------------------------------------------------------------------ numbers

    def _container_sizes(self, *, repair: bool) -> Iterator[Damage]:
        after = 0
        while True:
            with self._database.read() as unit:
                page = unit.checks.containers(after, _PAGE)
            for container_id in page:
                mismatch = self._sizes.check(container_id, repair=repair)
                if mismatch is None:
                    continue
                with self._database.read() as unit:
                    if unit.checks.is_taken_apart(container_id, time.time_ns()):
                        continue
                    name = _name(unit, container_id)
                yield Damage(
                    trouble=Trouble.WRONG_SIZE,
                    subject=name,
                    detail=(
                        f"counted {mismatch.counted_bytes} bytes in {mismatch.counted_files} "
                        f"files, there are {mismatch.expected_bytes} in "
                        f"{mismatch.expected_files}"
                    ),
                    repaired=repair,
                )
            if len(page) < _PAGE:
                return
            after = page[-1]

    def _usage(self, *, repair: bool) -> Iterator[Damage]:
        with self._database.read() as unit:
            allocations = unit.allocations.all()
        for row in allocations:
            damage = self._usage_of(row, repair=repair)
            if damage is not None:
                yield damage

    def _usage_of(self, row: AllocationRow, *, repair: bool) -> Damage | None:
        def work(unit: UnitOfWork) -> Damage | None:
            return _wrong_usage(unit, row.allocation_id, row.node_id, repair=repair)

        if repair:
            return self._database.retrying(work)
        with self._database.read() as unit:
            return work(unit)


def _wrong_usage(
    unit: UnitOfWork, allocation_id: int, node_id: int, *, repair: bool
) -> Damage | None:
    """Whether an allocation counts what is in it and what is reserved, and nothing else."""
    if repair:
        # Nobody may charge it between looking and correcting.
        unit.allocations.own_tree()
    if unit.checks.has_trash_of(allocation_id, time.time_ns()):
        return None
    used = unit.allocations.used(allocation_id)
    reserved = unit.allocations.reserved(allocation_id)
    held = unit.sizes.exact(node_id)
    expected = (held[0] + reserved[0], held[1] + reserved[1])
    if used == expected:
        return None
    if repair:
        unit.allocations.credit(allocation_id, used[0] - expected[0], used[1] - expected[1])
    return Damage(
        trouble=Trouble.WRONG_USAGE,
        subject=_name(unit, node_id),
        detail=(
            f"the allocation counts {used[0]} bytes in {used[1]} files, "
            f"there are {expected[0]} in {expected[1]}"
        ),
        repaired=repair,
    )


def _name(unit: UnitOfWork, node_id: int) -> str:
    path: NodePath | None = unit.nodes.path_of(node_id)
    return f"node {node_id} (deleted)" if path is None else str(path)


def _difference(reference: Reference) -> str:
    if reference.state is None:
        return f"its content {reference.content_id} is unknown"
    if reference.state != BlobState.STORED:
        return f"its content {reference.content_id} is {reference.state}"
    return (
        f"it says {reference.node_length} bytes, md5 {reference.node_md5}; "
        f"its content has {reference.blob_length} bytes, md5 {reference.blob_md5}"
    )
