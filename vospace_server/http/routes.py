"""Every address of the service on one screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from vospace_model.api import BUNDLE_PATH, CHILDREN_PATH, MOVE_PATH, NODES_PATH, QUOTA_PATH
from vospace_server.http.addresses import Addresses
from vospace_server.http.api import ApiEndpoints
from vospace_server.http.bulk import BulkEndpoints
from vospace_server.http.bundles import BundleEndpoint
from vospace_server.http.data import DataEndpoints
from vospace_server.http.files import FileEndpoints
from vospace_server.http.gms import GmsEndpoints
from vospace_server.http.groups import GroupEndpoints
from vospace_server.http.metrics import MetricsEndpoint
from vospace_server.http.nodes import NodeEndpoints
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.http.service_metadata import MetadataEndpoints
from vospace_server.http.transfers import TransferEndpoints
from vospace_server.http.tree_jobs import TreeJobEndpoints
from vospace_server.http.vosi import VosiEndpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Everything that answers."""

    nodes: NodeEndpoints
    files: FileEndpoints
    data: DataEndpoints
    transfers: TransferEndpoints
    bulk: BulkEndpoints
    metadata: MetadataEndpoints
    vosi: VosiEndpoints
    api: ApiEndpoints
    bundles: BundleEndpoint
    gms: GmsEndpoints
    groups: GroupEndpoints
    metrics: MetricsEndpoint


def routes(endpoints: Endpoints, addresses: Addresses) -> Sequence[TreeRoute]:
    """The addresses with their endpoints, those asked for most often first."""
    return (
        *_vospace(endpoints, addresses),
        *_api(endpoints.api, endpoints.bundles),
        *_groups(endpoints, addresses),
        *endpoints.vosi.routes,
        ExactRoute("/metrics", {"GET": endpoints.metrics.get}),
    )


def _vospace(endpoints: Endpoints, addresses: Addresses) -> Sequence[TreeRoute]:
    nodes, files, data = endpoints.nodes, endpoints.files, endpoints.data
    transfers, metadata = endpoints.transfers, endpoints.metadata
    packages = endpoints.bulk.packages
    return (
        TreeRoute(addresses.data, {
            "GET": data.get, "HEAD": data.head, "PUT": data.put, "POST": data.post,
        }),
        TreeRoute(addresses.nodes, {
            "GET": nodes.get, "HEAD": nodes.head, "PUT": nodes.put, "POST": nodes.post,
            "DELETE": nodes.delete,
        }),
        TreeRoute(addresses.files, {
            "GET": files.get, "HEAD": files.head, "PUT": files.put, "POST": files.post,
        }),
        TreeRoute(addresses.transfers, {
            "GET": transfers.get, "POST": transfers.post, "DELETE": transfers.delete,
        }),
        ExactRoute(addresses.synctrans, {
            "GET": transfers.get_sync, "POST": transfers.post_sync,
        }),
        TreeRoute(addresses.packages, {
            "GET": packages.get, "HEAD": packages.head, "POST": packages.post,
            "DELETE": packages.delete,
        }),
        TreeRoute(addresses.unpack, {"PUT": endpoints.bulk.unpack.put}),
        _job_route(addresses.deletions, endpoints.bulk.deletions),
        _job_route(addresses.property_changes, endpoints.bulk.property_changes),
        ExactRoute(f"{addresses.root}/properties", {"GET": metadata.properties}),
        ExactRoute(f"{addresses.root}/views", {"GET": metadata.views}),
        ExactRoute(f"{addresses.root}/protocols", {"GET": metadata.protocols}),
    )  # fmt: skip


def _job_route(path: str, jobs: TreeJobEndpoints) -> TreeRoute:
    return TreeRoute(path, {"GET": jobs.get, "POST": jobs.post, "DELETE": jobs.delete})


def _api(api: ApiEndpoints, bundles: BundleEndpoint) -> Sequence[TreeRoute]:
    return (
        TreeRoute(NODES_PATH, {"GET": api.get_node, "PATCH": api.change_node}),
        TreeRoute(CHILDREN_PATH, {"GET": api.list_children}),
        ExactRoute(MOVE_PATH, {"POST": api.move}),
        TreeRoute(QUOTA_PATH, {"GET": api.quota}),
        ExactRoute(BUNDLE_PATH, {"POST": bundles.post}),
    )


def _groups(endpoints: Endpoints, addresses: Addresses) -> Sequence[TreeRoute]:
    gms, groups = endpoints.gms, endpoints.groups
    return (
        ExactRoute(f"{addresses.gms}/search", {"GET": gms.search}),
        TreeRoute(f"{addresses.gms}/groups", {
            "GET": groups.get, "PUT": groups.put, "POST": groups.post, "DELETE": groups.delete,
        }),
    )  # fmt: skip
