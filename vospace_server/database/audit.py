"""AuditRepository: who did what to whom, in the same transaction as the deed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from vospace_server.database.schema import audit_event
from vospace_server.domain.identity import Caller, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A deed as it was recorded; `actor` is the name that its doer had then."""

    entry_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]


class AuditRepository:
    """Appends to the audit log; nothing here changes or deletes what is in it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self,
        action: str,
        subject: str,
        *,
        by: Caller,
        at: datetime,
        detail: dict[str, object] | None = None,
    ) -> None:
        """One deed. `detail` must be plain JSON values and never hold a secret."""
        actor_id, actor_name = (by.user_id, by.name) if isinstance(by, Identity) else (0, "")
        values = {
            "at": at,
            "actor_id": actor_id,
            "actor_name": actor_name,
            "action": action,
            "subject": subject,
            "detail": json.dumps(detail or {}, ensure_ascii=False, sort_keys=True),
            "client": "",
            "request_id": "",
        }
        self._connection.execute(insert(audit_event).values(values))

    def about(
        self, subject: str, *, limit: int, before_id: int | None = None
    ) -> list[AuditEntry]:
        """What was done to this subject, the latest first, from before an entry on."""
        query = select(audit_event).where(audit_event.c.subject == subject)
        if before_id is not None:
            query = query.where(audit_event.c.id < before_id)
        rows = self._connection.execute(query.order_by(audit_event.c.id.desc()).limit(limit))
        return [
            AuditEntry(
                entry_id=row.id,
                at=row.at,
                actor=row.actor_name,
                action=row.action,
                subject=row.subject,
                detail=json.loads(row.detail),
            )
            for row in rows
        ]
