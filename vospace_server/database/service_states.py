"""ServiceStateRepository: the one row that says what the service does at all."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from vospace_server.database.schema import service_state
from vospace_server.domain.service_state import ServiceMode, ServiceState

_ONLY_ID = 1


class ServiceStateRepository:
    """The state of the service in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> ServiceState:
        """The state as last set; ReadWrite if it never was."""
        row = self._connection.execute(select(service_state)).one_or_none()
        if row is None:
            return ServiceState(mode=ServiceMode.READ_WRITE)
        return ServiceState(
            mode=ServiceMode.parse(row.mode), since=row.since, by=row.actor_name
        )

    def set(self, state: ServiceState) -> None:
        """Replaces the state."""
        self._connection.execute(delete(service_state))
        self._connection.execute(
            insert(service_state).values(
                id=_ONLY_ID, mode=state.mode.value, since=state.since, actor_name=state.by
            )
        )
