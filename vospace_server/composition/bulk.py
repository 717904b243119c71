"""What works on many nodes at a time: packages, and jobs on whole trees."""

from vospace_server.composition.access import Access
from vospace_server.composition.jobs import Jobs
from vospace_server.composition.services import Services
from vospace_server.config import ServerConfig
from vospace_server.http.addresses import Addresses
from vospace_server.http.bulk import BulkEndpoints
from vospace_server.http.jobs import JobEndpoints
from vospace_server.http.packages import PackageEndpoints
from vospace_server.http.tree_jobs import TreeJobEndpoints, read_changes, read_deletion
from vospace_server.http.unpacking import UnpackEndpoint
from vospace_server.services.jobs import JobKind
from vospace_server.services.package_jobs import PackageJobs
from vospace_server.services.tree_jobs import TreeJobs
from vospace_server.services.unpack_jobs import UnpackJobs


def build_bulk(
    config: ServerConfig,
    services: Services,
    access: Access,
    jobs: Jobs,
    addresses: Addresses,
    package_jobs: PackageJobs,
) -> BulkEndpoints:
    """The endpoints, over their services."""

    def listed(path: str, kind: JobKind) -> JobEndpoints:
        return JobEndpoints(jobs=jobs.jobs, addresses=addresses, path=path, kinds=[kind])

    tree_jobs = TreeJobs(jobs=jobs.jobs, tree=services.tree)
    return BulkEndpoints(
        packages=PackageEndpoints(
            tree=services.tree,
            packages=services.packages,
            package_jobs=package_jobs,
            job_endpoints=listed(addresses.packages, JobKind.PACKAGE),
        ),
        deletions=TreeJobEndpoints(
            tree_jobs=tree_jobs,
            job_endpoints=listed(addresses.deletions, JobKind.DELETE),
            read=read_deletion,
        ),
        property_changes=TreeJobEndpoints(
            tree_jobs=tree_jobs,
            job_endpoints=listed(addresses.property_changes, JobKind.SET_PROPERTIES),
            read=read_changes,
        ),
        unpack=_build_unpack(config, services, access, jobs),
    )


def build_package_jobs(services: Services, access: Access, jobs: Jobs) -> PackageJobs:
    """The jobs whose archives are fetched at `/pkg` and with tickets."""
    return PackageJobs(
        jobs=jobs.jobs,
        ledger=jobs.ledger,
        packages=services.packages,
        tree=services.tree,
        identify=access.delegation.identify,
    )


def _build_unpack(
    config: ServerConfig, services: Services, access: Access, jobs: Jobs
) -> UnpackEndpoint:
    return UnpackEndpoint(
        tree=services.tree,
        tickets=services.tickets,
        unpacking=services.unpacking,
        unpack_jobs=UnpackJobs(
            database=services.tree.database,
            ledger=jobs.ledger,
            identify=access.delegation.identify,
        ),
        idle_seconds=config.server.body_timeout_seconds,
    )
