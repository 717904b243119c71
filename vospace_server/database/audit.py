"""AuditRepository: who did what to whom, in the same transaction as the deed."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, insert

from vospace_server.database.schema import audit_event
from vospace_server.domain.identity import Caller, Identity


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
