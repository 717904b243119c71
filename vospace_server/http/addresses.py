"""Where the parts of the service are: every path is made here, from the service's name."""

from dataclasses import dataclass

from starlette.requests import Request

from vospace_model.uris import NodePath
from vospace_server.http.challenges import base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Paths below the service's folder, and whole URLs as the client sees the server.

    `service_name` is the folder, `public_url` the address that clients are given; None makes
    it the one that the request came to.
    """

    service_name: str
    public_url: str | None = None

    @property
    def root(self) -> str:
        """The service's folder."""
        return f"/{self.service_name}"

    @property
    def nodes(self) -> str:
        """Node documents."""
        return f"{self.root}/nodes"

    @property
    def files(self) -> str:
        """Bytes by path."""
        return f"{self.root}/files"

    @property
    def data(self) -> str:
        """Bytes by ticket."""
        return f"{self.root}/data"

    @property
    def transfers(self) -> str:
        """Asynchronous jobs."""
        return f"{self.root}/transfers"

    @property
    def synctrans(self) -> str:
        """Synchronous negotiation."""
        return f"{self.root}/synctrans"

    @property
    def packages(self) -> str:
        """Many nodes as one archive."""
        return f"{self.root}/pkg"

    @property
    def unpack(self) -> str:
        """Archives that become nodes, by ticket."""
        return f"{self.root}/unpack"

    @property
    def deletions(self) -> str:
        """Jobs that delete trees."""
        return f"{self.root}/async-delete"

    @property
    def property_changes(self) -> str:
        """Jobs that set properties of trees."""
        return f"{self.root}/async-setprops"

    @property
    def gms(self) -> str:
        """The group service."""
        return "/gms"

    def base(self, request: Request) -> str:
        """The URL of the server without a slash at its end."""
        return base_url(request.scope, self.public_url)

    def files_of(self, request: Request, path: NodePath) -> str:
        """The URL of a node's bytes by its path."""
        return f"{self.base(request)}{self.files}{path.quoted()}"

    def job(self, request: Request, job_id: str) -> str:
        """The URL of a job."""
        return f"{self.base(request)}{self.transfers}/{job_id}"
