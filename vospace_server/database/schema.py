"""Every table of the database, under one roof.

The definitions, and what each sentinel value means, stand in `schema_tree`, `schema_accounts`,
`schema_work` and `schema_service`. They describe the newest schema; `migrations/` leads there
from each older one, and a test compares the two.
"""

from __future__ import annotations

from vospace_server.database.columns import BigId, ExactText, UtcTime, metadata
from vospace_server.database.schema_accounts import (
    app_user,
    audit_event,
    generation,
    group_admin,
    group_invitation,
    group_member,
    group_property,
    identity,
    secret,
    session,
    token,
    user_group,
)
from vospace_server.database.schema_service import service_state
from vospace_server.database.schema_tree import (
    ABOVE_ROOT_ID,
    ROOT_ID,
    TRASH_ID,
    allocation,
    blob,
    change_log,
    container_size,
    node,
    node_group,
    node_property,
    quota_slot,
    reservation,
    size_delta,
    trash,
)
from vospace_server.database.schema_work import (
    job,
    job_parameter,
    job_place,
    job_result,
    upload,
    upload_part,
)

# The newest migration; what `alembic_version` holds in a database that is up to date.
NEWEST_REVISION = "0008"

__all__ = [
    "ABOVE_ROOT_ID",
    "NEWEST_REVISION",
    "ROOT_ID",
    "TRASH_ID",
    "BigId",
    "ExactText",
    "UtcTime",
    "allocation",
    "app_user",
    "audit_event",
    "blob",
    "change_log",
    "container_size",
    "generation",
    "group_admin",
    "group_invitation",
    "group_member",
    "group_property",
    "identity",
    "job",
    "job_parameter",
    "job_place",
    "job_result",
    "metadata",
    "node",
    "node_group",
    "node_property",
    "quota_slot",
    "reservation",
    "secret",
    "service_state",
    "session",
    "size_delta",
    "token",
    "trash",
    "upload",
    "upload_part",
    "user_group",
]
