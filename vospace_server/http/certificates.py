"""/cred/priv: a proxy certificate for whoever has logged in, as `cadc-get-cert` asks for it."""

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument, NotAuthenticated
from vospace_server.domain.identity import Identity
from vospace_server.http.authentication import caller_of
from vospace_server.http.challenges import PROXY_PATH
from vospace_server.http.responses import document
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.certificates import CertificateService

AUTHORITY_PATH = "/cred/ca"

_PEM = "application/x-pem-file"


class CertificateEndpoints:
    """Certificates of our own authority, and the authority's own."""

    def __init__(self, certificates: CertificateService) -> None:
        self._certificates = certificates

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            ExactRoute(PROXY_PATH, {"GET": self.proxy}),
            ExactRoute(AUTHORITY_PATH, {"GET": self.authority}),
        ]

    async def proxy(self, request: Request) -> Response:
        """Certificate, key and chain (PEM) for `daysValid` days, for the caller."""
        caller = caller_of(request)
        if not isinstance(caller, Identity):
            raise NotAuthenticated("log in to get a certificate")
        text = await in_thread(self._certificates.issue, caller, _days(request))
        headers = {
            "cache-control": "no-store",
            "content-disposition": 'attachment; filename="cadcproxy.pem"',
        }
        return document(text.encode("ascii"), _PEM, headers=headers)

    async def authority(self, _request: Request) -> Response:
        """The authority's certificate, for servers that shall believe in those it signs."""
        text = await in_thread(self._certificates.pem)
        return document(text.encode("ascii"), _PEM)


def _days(request: Request) -> int | None:
    given = [
        value for name, value in request.query_params.items() if name.lower() == "daysvalid"
    ]
    if not given:
        return None
    try:
        return int(given[0])
    except ValueError:
        raise InvalidArgument("daysValid must be a number of days") from None
