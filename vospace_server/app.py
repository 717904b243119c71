"""create_app: builds every object of the server once, by hand, in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import Lifespan

from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.delegation import Delegation
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.memberships import Memberships
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import ANONYMOUS
from vospace_server.http.addresses import Addresses
from vospace_server.http.api import ApiEndpoints
from vospace_server.http.authentication import Authentication
from vospace_server.http.bundles import BundleEndpoint
from vospace_server.http.challenges import LOGIN_PATH, Challenges
from vospace_server.http.data import DataEndpoints
from vospace_server.http.faults import FaultRendering, not_found
from vospace_server.http.files import FileEndpoints
from vospace_server.http.jobs import JobEndpoints
from vospace_server.http.login import LoginEndpoints
from vospace_server.http.metrics import MetricsEndpoint, RequestMetrics
from vospace_server.http.nodes import NodeEndpoints
from vospace_server.http.request_bodies import UnreadBodies
from vospace_server.http.request_log import RequestLog
from vospace_server.http.routes import Endpoints, routes
from vospace_server.http.service_metadata import MetadataEndpoints
from vospace_server.http.threads import in_thread
from vospace_server.http.transfers import TransferEndpoints
from vospace_server.http.uploads import UploadReceiver
from vospace_server.http.vosi import VosiEndpoints
from vospace_server.services.accounts import AccountService
from vospace_server.services.allocations import AllocationService
from vospace_server.services.data import DataService
from vospace_server.services.deletions import DeletionService
from vospace_server.services.garbage import GarbageService
from vospace_server.services.internal_transfers import InternalTransferService
from vospace_server.services.jobs import JobService
from vospace_server.services.listing import ListingService
from vospace_server.services.moves import MoveService
from vospace_server.services.nodes import NodeService
from vospace_server.services.properties_in_use import PropertiesInUse
from vospace_server.services.quota import QuotaService
from vospace_server.services.reading import ReadingService
from vospace_server.services.sizes import SizeService
from vospace_server.services.tickets import TicketService
from vospace_server.services.transfer_jobs import TransferJobs
from vospace_server.services.transfers import TransferService
from vospace_server.services.tree import Tree
from vospace_server.services.uploads import UploadService
from vospace_server.storage.object_store import ObjectStore
from vospace_server.storage.registry import open_store
from vospace_server.workers.housekeeping import Housekeeping
from vospace_server.workers.job_runner import JobRunner
from vospace_server.workers.sweeper import Sweeper

TICKET_LIFE: Final = timedelta(hours=1)


# A replaced or deleted content can be read for so long by whoever has it open.
GARBAGE_GRACE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services:
    """What the endpoints call."""

    tree: Tree
    nodes: NodeService
    listing: ListingService
    deletions: DeletionService
    moves: MoveService
    allocations: AllocationService
    tickets: TicketService
    reading: ReadingService
    data: DataService
    quota: QuotaService


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """Who may come in."""

    authenticator: Authenticator
    delegation: Delegation
    accounts: AccountService


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jobs:
    """What is done later."""

    jobs: JobService
    transfer_jobs: TransferJobs
    runner: JobRunner


def create_app(config: ServerConfig) -> Starlette:
    """The ASGI application of a configuration.

    Opens the database, whose tables are made or brought up to date, and the object store. The
    threads that work beside the requests start and stop with the lifespan, which closes both.
    Raises ValueError for a storage URL that names no store or one that several processes can't
    share, and StoreError or a database's error when one of them can't be used.
    """
    store = open_store(config.storage_url)
    if config.server.workers > 1 and not store.properties.shared:
        raise ValueError("this object store serves one process; set server.workers to 1")
    database = Database(config.database_url)
    database.upgrade()
    services = _build_services(config, database, store)
    access = _build_access(config, database)
    jobs = _build_jobs(services, access, database)
    metrics = RequestMetrics()
    addresses = Addresses(service_name=config.service.name, public_url=config.server.public_url)
    endpoints = _build_endpoints(config, services, access, jobs, addresses, metrics)
    login = LoginEndpoints(
        authenticator=access.authenticator,
        accounts=access.accounts,
        token_lifetime=timedelta(days=config.authentication.login_token_days),
        group_service_id=config.group_service_id,
    )
    return Starlette(
        routes=[*routes(endpoints, addresses), *login.routes],
        middleware=_middleware(config, access, addresses, metrics),
        exception_handlers={404: not_found},
        lifespan=_lifespan(database, store, services, jobs),
    )


def _build_services(config: ServerConfig, database: Database, store: ObjectStore) -> _Services:
    tree = Tree(
        database=database,
        authority=config.vos_authority,
        naming=_naming(config),
        strict_links=config.service.strict_links,
    )
    quota = QuotaService(database=database)
    tickets = TicketService(database=database, lifetime=TICKET_LIFE)
    reading = ReadingService(tree=tree, store=store, tickets=tickets)
    uploads = UploadService(tree=tree, quota=quota)
    return _Services(
        tree=tree,
        nodes=NodeService(tree=tree),
        listing=ListingService(tree=tree),
        deletions=DeletionService(tree=tree),
        moves=MoveService(tree=tree),
        allocations=AllocationService(tree=tree),
        tickets=tickets,
        reading=reading,
        data=DataService(tree=tree, uploads=uploads, reading=reading, store=store),
        quota=quota,
    )


def _build_access(config: ServerConfig, database: Database) -> _Access:
    settings = config.authentication
    passwords = Passwords(concurrent_checks=settings.concurrent_checks)
    directory = AccountDirectory(
        database=database, memberships=Memberships(naming=_naming(config))
    )
    authenticator = Authenticator(
        directory=directory,
        passwords=passwords,
        verified=VerifiedPasswords(lifetime_seconds=settings.verified_seconds),
        limiter=FailureLimiter(
            per_account=settings.failures_per_account,
            per_address=settings.failures_per_address,
        ),
    )
    return _Access(
        authenticator=authenticator,
        delegation=Delegation(directory=directory),
        accounts=AccountService(database=database, hash_password=passwords.hash),
    )


def _build_jobs(services: _Services, access: _Access, database: Database) -> _Jobs:
    runner = JobRunner()
    jobs = JobService(database=database, wake_runner=runner.wake)
    transfers = TransferService(
        tree=services.tree,
        reading=services.reading,
        data=services.data,
        tickets=services.tickets,
    )
    transfer_jobs = TransferJobs(
        jobs=jobs,
        transfers=transfers,
        internal_transfers=InternalTransferService(tree=services.tree, moves=services.moves),
        identify=access.delegation.identify,
        anonymous=ANONYMOUS,
    )
    return _Jobs(jobs=jobs, transfer_jobs=transfer_jobs, runner=runner)


def _build_endpoints(
    config: ServerConfig,
    services: _Services,
    access: _Access,
    jobs: _Jobs,
    addresses: Addresses,
    metrics: RequestMetrics,
) -> Endpoints:
    receiver = UploadReceiver(
        data=services.data,
        identify=access.delegation.identify,
        idle_seconds=config.server.body_timeout_seconds,
    )
    return Endpoints(
        nodes=_build_nodes(config, services, addresses),
        files=FileEndpoints(reading=services.reading, receiver=receiver, addresses=addresses),
        data=DataEndpoints(
            reading=services.reading, tickets=services.tickets, receiver=receiver
        ),
        transfers=TransferEndpoints(
            jobs=jobs.jobs,
            transfer_jobs=jobs.transfer_jobs,
            job_endpoints=JobEndpoints(jobs=jobs.jobs, addresses=addresses),
            addresses=addresses,
        ),
        metadata=MetadataEndpoints(
            properties_in_use=PropertiesInUse(database=services.tree.database)
        ),
        vosi=VosiEndpoints(
            addresses=addresses, resource_id=config.resource_id, check=services.reading.check
        ),
        api=_build_api(config, services, addresses),
        bundles=BundleEndpoint(reading=services.reading),
        metrics=MetricsEndpoint(metrics),
    )


def _build_nodes(
    config: ServerConfig, services: _Services, addresses: Addresses
) -> NodeEndpoints:
    return NodeEndpoints(
        nodes=services.nodes,
        listing=services.listing,
        deletions=services.deletions,
        addresses=addresses,
        authority=config.vos_authority,
        delete_non_empty=config.service.delete_non_empty,
    )


def _build_api(config: ServerConfig, services: _Services, addresses: Addresses) -> ApiEndpoints:
    return ApiEndpoints(
        nodes=services.nodes,
        listing=services.listing,
        moves=services.moves,
        allocations=services.allocations,
        reading=services.reading,
        addresses=addresses,
        authority=config.vos_authority,
    )


def _middleware(
    config: ServerConfig, access: _Access, addresses: Addresses, metrics: RequestMetrics
) -> list[Middleware]:
    """Around every endpoint, the outermost first."""
    challenges = Challenges(realm=config.service.realm, public_url=config.server.public_url)
    return [
        Middleware(RequestLog, metrics=metrics, data_prefix=addresses.data),
        Middleware(UnreadBodies),
        Middleware(FaultRendering, challenges=challenges),
        Middleware(
            Authentication,
            authenticator=access.authenticator,
            challenges=challenges,
            # A login with an old token in its header is still a login.
            open_prefixes=(
                f"{addresses.data}/",
                LOGIN_PATH,
                "/healthz",
                "/readyz",
                "/metrics",
            ),
        ),
    ]


def _lifespan(
    database: Database, store: ObjectStore, services: _Services, jobs: _Jobs
) -> Lifespan[Starlette]:
    housekeeping = Housekeeping(
        sizes=SizeService(database=database),
        deletions=services.deletions,
        quota=services.quota,
    )
    garbage = GarbageService(database=database, store=store, grace=GARBAGE_GRACE)
    sweeper = Sweeper(garbage=garbage, jobs=jobs.jobs)

    def stop() -> None:
        jobs.runner.stop()
        sweeper.stop()
        housekeeping.stop()
        services.data.close()
        store.close()
        database.close()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        jobs.runner.start(jobs=jobs.jobs, transfer_jobs=jobs.transfer_jobs)
        housekeeping.start()
        sweeper.start()
        try:
            yield
        finally:
            await in_thread(stop)

    return lifespan


def _naming(config: ServerConfig) -> GroupNaming:
    return GroupNaming(service_id=config.group_service_id, aliases=config.service.group_aliases)
