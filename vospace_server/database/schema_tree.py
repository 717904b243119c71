"""Tables of the node tree: nodes, content, sizes, quotas and what changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from vospace_server.database.columns import BigId, ExactText, UtcTime, metadata

# The root of the tree is a row like any other, made by `Database.upgrade`.
ROOT_ID = 1
# `node.parent_id` of the root: no node has this id.
ABOVE_ROOT_ID = 0
# `node.parent_id` of the top of a deleted tree that the collector has yet to take apart: no
# node has this id, so no path leads there. Such a row is named after its own id. A tree that is
# being copied is built there too, its top named after the job, until it is whole.
TRASH_ID = -1

# No foreign key leads to or from this table. PostgreSQL can then partition it by
# HASH (parent_id), by which every hot statement finds its rows, and creating a file takes no
# lock on its owner's row. `NodeRepository.hold` locks a parent while a child is made.
#
# Times are nanoseconds since 1970 (UTC), as the file system hands them over.
node = Table(
    "node",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("parent_id", BigInteger, nullable=False),
    # UTF-8, 1-255 bytes; '' for the root alone.
    Column("name", ExactText, nullable=False),
    # NodeKind: 0 container, 1 data, 2 unstructured, 3 structured, 4 link.
    Column("kind", SmallInteger, nullable=False),
    # app_user.id; 0 when nobody is the owner, which only the root of a new space has.
    Column("owner_id", BigInteger, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("inherit", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("immutable", Boolean, nullable=False),
    # Group URIs separated by a space, '' for none: what authorize() reads.
    Column("read_groups", Text, nullable=False),
    Column("write_groups", Text, nullable=False),
    # allocation.id on the top container of an allocation, null on everything else.
    Column("allocation_id", BigInteger),
    # Text of a LinkNode's target, null on everything else.
    Column("target", Text),
    # blob.content_id; null: a data node that never got bytes (or not a data node).
    Column("content_id", Text),
    # The length and digest of the content, repeated here so that listings need no join.
    # 0 and null without content. Containers keep their size in container_size.
    Column("length", BigInteger, nullable=False),
    Column("md5", Text),
    # Media type and encoding as headers show them; null: never stated.
    Column("media_type", Text),
    Column("encoding", Text),
    Column("created_ns", BigInteger, nullable=False),
    # Last change of the content.
    Column("modified_ns", BigInteger, nullable=False),
    # Last change of anything about the node (st_ctime).
    Column("changed_ns", BigInteger, nullable=False),
    # The time that a user has set; null: never set, or outdated by newer content.
    Column("mtime_ns", BigInteger),
    # Until when an upload may be running, and which one; null: none. An upload that died
    # stops counting by itself at that time.
    Column("busy_until_ns", BigInteger),
    Column("busy_upload", Text),
    # False: surely no row in `property`. True: there may be some.
    Column("has_properties", Boolean, nullable=False),
    # Counts every change of this row, from 1.
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("parent_id", "name", name="node_by_name"),
    Index("node_by_content", "content_id"),
    sqlite_autoincrement=True,
)

# Properties that have no column of their own. value is never null; '' is the empty string.
node_property = Table(
    "property",
    metadata,
    Column("node_id", BigInteger, primary_key=True, autoincrement=False),
    Column("uri", ExactText, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# node.read_groups and node.write_groups once more, to be found by group. Written together
# with them by NodeRepository, never read to decide access.
node_group = Table(
    "node_group",
    metadata,
    Column("node_id", BigInteger, primary_key=True, autoincrement=False),
    # 'r' read, 'w' read and write.
    Column("mode", Text, primary_key=True),
    Column("group_uri", ExactText, primary_key=True),
    Index("node_group_by_group", "group_uri"),
    sqlite_with_rowid=False,
)

# Stored bytes. A row is written before its object is (state 'writing'), so that what a crash
# leaves behind is found again.
blob = Table(
    "blob",
    metadata,
    # 32 hexadecimal digits, random; also the ETag.
    Column("content_id", Text, primary_key=True),
    Column("object_key", Text, nullable=False, unique=True),
    # 'writing', 'stored' (may be referred to by nodes), 'doomed' (being removed).
    Column("state", Text, nullable=False),
    # Of the bytes, known once stored.
    Column("length", BigInteger),
    Column("md5", Text),
    Column("sha256", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("stored_at", UtcTime),
    # A writer that has not been heard of since this time is dead; null once stored.
    Column("writing_until", UtcTime),
    # Last time fsck read and compared all bytes, and what it found; null: never, nothing.
    Column("verified_at", UtcTime),
    Column("damage", Text),
    # Since when no node refers to it; null: referred to, or not known yet.
    Column("unused_since", UtcTime),
    Index("blob_by_unused_since", "unused_since"),
    Index("blob_by_state", "state", "writing_until"),
)

# What is to be added to container_size: appended by every transaction that adds, removes or
# resizes a child; removed by the folding worker alone.
size_delta = Table(
    "size_delta",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("container_id", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    # When an entry of this container changed; null: passed on from further down.
    Column("entries_changed_ns", BigInteger),
    Index("size_delta_by_container", "container_id"),
    sqlite_autoincrement=True,
)

# One row for each container, from its creation to its removal. Totals are written by the
# folding worker alone: total = own files + pushed of the containers in it, up to the deltas
# not yet folded. pushed is what the parent has been told.
container_size = Table(
    "container_size",
    metadata,
    Column("node_id", BigInteger, primary_key=True, autoincrement=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("total_files", BigInteger, nullable=False),
    Column("pushed_bytes", BigInteger, nullable=False),
    Column("pushed_files", BigInteger, nullable=False),
    # Last time an entry was added, removed or renamed here; 0: never.
    Column("entries_changed_ns", BigInteger, nullable=False),
)

allocation = Table(
    "allocation",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("node_id", BigInteger, nullable=False, unique=True),
    # null: no limit.
    Column("quota_bytes", BigInteger),
    Column("quota_files", BigInteger),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Escrow: an allocation's quota and use are the sums over its slots, so that many writers
# don't queue for one row. A slot's `used` alone means nothing and may be negative.
quota_slot = Table(
    "quota_slot",
    metadata,
    Column(
        "allocation_id",
        BigInteger,
        ForeignKey("allocation.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    # Bytes and files of all nodes, and of all reservations not yet settled.
    Column("used_bytes", BigInteger, nullable=False),
    Column("used_files", BigInteger, nullable=False),
    # null: no limit (in all slots of an allocation alike).
    Column("cap_bytes", BigInteger),
    Column("cap_files", BigInteger),
)

# Bytes promised to an upload that is running. Included in quota_slot.used.
reservation = Table(
    "reservation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("allocation_id", BigInteger, ForeignKey("allocation.id"), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    # After this the sweeper gives the bytes back.
    Column("expires_ns", BigInteger, nullable=False),
    Index("reservation_by_expiry", "expires_ns"),
    Index("reservation_by_allocation", "allocation_id"),
)

# Tops of deleted trees, until the collector has removed every row below them.
trash = Table(
    "trash",
    metadata,
    Column("node_id", BigInteger, primary_key=True, autoincrement=False),
    # To which allocation the tree was charged; null: to none.
    Column("allocation_id", BigInteger),
    # Already given back to the allocation when the tree was cut off ...
    Column("released_bytes", BigInteger, nullable=False),
    Column("released_files", BigInteger, nullable=False),
    # ... and found so far while removing the rows. The difference is settled at the end.
    Column("found_bytes", BigInteger, nullable=False),
    Column("found_files", BigInteger, nullable=False),
    Column("deleted_ns", BigInteger, nullable=False),
    # app_user.id of whoever deleted it.
    Column("actor_id", BigInteger, nullable=False),
    # Until when it can be put back; 0: never, the collector may begin at once.
    Column("kept_until_ns", BigInteger, nullable=False, server_default="0"),
    # Where it was, for what can be put back; null else.
    Column("former_parent_id", BigInteger),
    Column("former_name", ExactText),
    Index("trash_by_actor", "actor_id", "deleted_ns"),
)

# One row for each change that somebody may want to hear of, in the transaction of the change.
change_log = Table(
    "change_log",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    # 'create', 'content', 'properties', 'move', 'delete'.
    Column("operation", Text, nullable=False),
    Column("node_id", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    # Of the node after the change (before it, for 'delete').
    Column("parent_id", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    # Where it was before, for 'move'; null else.
    Column("former_path", Text),
    Column("former_parent_id", BigInteger),
    Column("content_id", Text),
    # 0: nobody was logged in.
    Column("actor_id", BigInteger, nullable=False),
    Index("change_log_by_time", "at_ns"),
    sqlite_autoincrement=True,
)
