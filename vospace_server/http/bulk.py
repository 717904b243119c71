"""What answers requests about many nodes at a time."""

from dataclasses import dataclass

from vospace_server.http.packages import PackageEndpoints
from vospace_server.http.tree_jobs import TreeJobEndpoints
from vospace_server.http.unpacking import UnpackEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkEndpoints:
    """Packages, and jobs on whole trees."""

    packages: PackageEndpoints
    deletions: TreeJobEndpoints
    property_changes: TreeJobEndpoints
    unpack: UnpackEndpoint
