"""UnitOfWork: one transaction, and the repositories that take part in it."""

from functools import cached_property

from sqlalchemy import Connection

from vospace_server.database.allocations import AllocationRepository
from vospace_server.database.audit import AuditRepository
from vospace_server.database.blobs import BlobRepository
from vospace_server.database.changes import ChangeRepository
from vospace_server.database.checks import CheckRepository
from vospace_server.database.groups import GroupRepository
from vospace_server.database.invitations import InvitationRepository
from vospace_server.database.job_lines import JobLineRepository
from vospace_server.database.jobs import JobRepository
from vospace_server.database.node_batches import NodeBatchRepository
from vospace_server.database.node_groups import NodeGroupRepository
from vospace_server.database.node_properties import PropertyRepository
from vospace_server.database.nodes import NodeRepository
from vospace_server.database.secrets import SecretRepository
from vospace_server.database.service_states import ServiceStateRepository
from vospace_server.database.sessions import SessionRepository
from vospace_server.database.sizes import SizeRepository
from vospace_server.database.tokens import TokenRepository
from vospace_server.database.trash import TrashRepository
from vospace_server.database.uploads import UploadRepository
from vospace_server.database.users import UserRepository


class UnitOfWork:
    """What a service sees of a transaction; each repository is made when first asked for.

    It is handed out by `Database.read` and `Database.write` and dies with their block.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def nodes(self) -> NodeRepository:
        """The tree."""
        return NodeRepository(self._connection)

    @cached_property
    def node_batches(self) -> NodeBatchRepository:
        """Many nodes of the tree at a time."""
        return NodeBatchRepository(self._connection)

    @cached_property
    def properties(self) -> PropertyRepository:
        """Properties of nodes that have no column."""
        return PropertyRepository(self._connection)

    @cached_property
    def node_groups(self) -> NodeGroupRepository:
        """Groups that nodes name."""
        return NodeGroupRepository(self._connection)

    @cached_property
    def sizes(self) -> SizeRepository:
        """Sizes of containers."""
        return SizeRepository(self._connection)

    @cached_property
    def allocations(self) -> AllocationRepository:
        """Quotas and reservations."""
        return AllocationRepository(self._connection)

    @cached_property
    def changes(self) -> ChangeRepository:
        """The log of changes to nodes."""
        return ChangeRepository(self._connection)

    @cached_property
    def trash(self) -> TrashRepository:
        """Deleted trees."""
        return TrashRepository(self._connection)

    @cached_property
    def blobs(self) -> BlobRepository:
        """Stored bytes."""
        return BlobRepository(self._connection)

    @cached_property
    def uploads(self) -> UploadRepository:
        """Uploads in several requests."""
        return UploadRepository(self._connection)

    @cached_property
    def checks(self) -> CheckRepository:
        """What a check of the whole space asks."""
        return CheckRepository(self._connection)

    @cached_property
    def jobs(self) -> JobRepository:
        """UWS jobs."""
        return JobRepository(self._connection)

    @cached_property
    def users(self) -> UserRepository:
        """Accounts and their identities."""
        return UserRepository(self._connection)

    @cached_property
    def groups(self) -> GroupRepository:
        """Groups and memberships."""
        return GroupRepository(self._connection)

    @cached_property
    def tokens(self) -> TokenRepository:
        """Access tokens."""
        return TokenRepository(self._connection)

    @cached_property
    def sessions(self) -> SessionRepository:
        """Logins of browsers."""
        return SessionRepository(self._connection)

    @cached_property
    def invitations(self) -> InvitationRepository:
        """Links into groups."""
        return InvitationRepository(self._connection)

    @cached_property
    def job_lines(self) -> JobLineRepository:
        """Jobs as lines of a list."""
        return JobLineRepository(self._connection)

    @cached_property
    def audit(self) -> AuditRepository:
        """What was done by whom."""
        return AuditRepository(self._connection)

    @cached_property
    def service_states(self) -> ServiceStateRepository:
        """What the service does at all."""
        return ServiceStateRepository(self._connection)

    @cached_property
    def secrets(self) -> SecretRepository:
        """Keys that sign."""
        return SecretRepository(self._connection)
