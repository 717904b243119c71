"""What answers: the HTTP edge over the services."""

from vospace_server.composition.access import Access
from vospace_server.composition.bulk import build_bulk, build_package_jobs
from vospace_server.composition.groups import build_gms, build_groups
from vospace_server.composition.jobs import Jobs
from vospace_server.composition.services import Services
from vospace_server.composition.vosi import build_vosi
from vospace_server.config import ServerConfig
from vospace_server.http.addresses import Addresses
from vospace_server.http.api import ApiEndpoints
from vospace_server.http.bundles import BundleEndpoint
from vospace_server.http.data import DataEndpoints
from vospace_server.http.files import FileEndpoints
from vospace_server.http.jobs import JobEndpoints
from vospace_server.http.metrics import MetricsEndpoint, RequestMetrics
from vospace_server.http.nodes import NodeEndpoints
from vospace_server.http.put_transactions import PutTransactions
from vospace_server.http.routes import Endpoints
from vospace_server.http.service_metadata import MetadataEndpoints
from vospace_server.http.threads import AtOnce, Hop, in_thread
from vospace_server.http.transfers import TransferEndpoints
from vospace_server.http.uploads import UploadReceiver
from vospace_server.services.jobs import JobKind
from vospace_server.services.properties_in_use import PropertiesInUse


def build_endpoints(
    config: ServerConfig,
    services: Services,
    access: Access,
    jobs: Jobs,
    addresses: Addresses,
    metrics: RequestMetrics,
) -> Endpoints:
    """Every endpoint of the service, over its services."""
    receiver = _build_receiver(config, services, access)
    package_jobs = build_package_jobs(services, access, jobs)
    return Endpoints(
        nodes=_build_nodes(config, services, addresses),
        files=FileEndpoints(reading=services.reading, receiver=receiver, addresses=addresses),
        data=DataEndpoints(
            reading=services.reading,
            cutouts=services.cutouts,
            tickets=services.tickets,
            receiver=receiver,
            package_jobs=package_jobs,
        ),
        transfers=_build_transfers(jobs, addresses),
        bulk=build_bulk(config, services, access, jobs, addresses, package_jobs),
        metadata=MetadataEndpoints(
            properties_in_use=PropertiesInUse(database=services.tree.database)
        ),
        vosi=build_vosi(config, services, addresses, access.states),
        api=_build_api(config, services, addresses),
        bundles=BundleEndpoint(reading=services.reading),
        gms=build_gms(config, services, access),
        groups=build_groups(config, services),
        metrics=MetricsEndpoint(metrics),
    )


def _build_transfers(jobs: Jobs, addresses: Addresses) -> TransferEndpoints:
    return TransferEndpoints(
        jobs=jobs.jobs,
        transfer_jobs=jobs.transfer_jobs,
        job_endpoints=JobEndpoints(
            jobs=jobs.jobs,
            addresses=addresses,
            path=addresses.transfers,
            unlisted=[JobKind.SYNC_TRANSFER],
        ),
        addresses=addresses,
    )


def _build_receiver(config: ServerConfig, services: Services, access: Access) -> UploadReceiver:
    return UploadReceiver(
        data=services.data,
        transactions=PutTransactions(
            transactions=services.transactions,
            ends=services.transaction_ends,
            idle_seconds=config.server.body_timeout_seconds,
        ),
        identify=access.delegation.identify,
        idle_seconds=config.server.body_timeout_seconds,
    )


def _build_nodes(
    config: ServerConfig, services: Services, addresses: Addresses
) -> NodeEndpoints:
    return NodeEndpoints(
        nodes=services.nodes,
        listing=services.listing,
        deletions=services.deletions,
        addresses=addresses,
        authority=config.vos_authority,
        read=_reading_hop(services),
        delete_non_empty=config.service.delete_non_empty,
    )


def _build_api(config: ServerConfig, services: Services, addresses: Addresses) -> ApiEndpoints:
    return ApiEndpoints(
        nodes=services.nodes,
        listing=services.listing,
        moves=services.moves,
        allocations=services.allocations,
        reading=services.reading,
        addresses=addresses,
        authority=config.vos_authority,
        read=_reading_hop(services),
    )


def _reading_hop(services: Services) -> Hop:
    """SQLite answers from memory; PostgreSQL is waited for, and so are other group services."""
    database = services.tree.database
    if database.dialect != "sqlite" or services.foreign_groups is not None:
        return in_thread
    return AtOnce(is_free=lambda: database.data_version() is not None)
