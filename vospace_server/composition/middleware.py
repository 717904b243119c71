"""What stands around every endpoint."""

from starlette.middleware import Middleware

from vospace_server.composition.access import Access
from vospace_server.composition.vosi import build_challenges, build_gate
from vospace_server.composition.web import Web
from vospace_server.config import ServerConfig
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import Authentication
from vospace_server.http.challenges import LOGIN_PATH
from vospace_server.http.faults import FaultRendering
from vospace_server.http.metrics import RequestMetrics
from vospace_server.http.request_bodies import UnreadBodies
from vospace_server.http.request_credentials import TrustedProxy
from vospace_server.http.request_log import RequestLog
from vospace_server.web.addresses import ASSETS


def build_middleware(
    config: ServerConfig,
    access: Access,
    addresses: Addresses,
    metrics: RequestMetrics,
    web: Web,
) -> list[Middleware]:
    """Around every endpoint, the outermost first."""
    challenges = build_challenges(config)
    with_tickets = (f"{addresses.data}/", f"{addresses.unpack}/")
    return [
        Middleware(RequestLog, metrics=metrics, ticket_prefixes=with_tickets),
        Middleware(UnreadBodies),
        Middleware(FaultRendering, challenges=challenges, pages=web.errors),
        build_gate(addresses, access.states),
        Middleware(
            Authentication,
            authenticator=access.authenticator,
            challenges=challenges,
            trusted_proxy=_trusted_proxy(config),
            # A login with an old token in its header is still a login.
            open_prefixes=(
                *with_tickets,
                LOGIN_PATH,
                "/healthz",
                "/readyz",
                "/metrics",
                f"{ASSETS}/",
            ),
            sessions=web.browser_sessions,
        ),
    ]


def _trusted_proxy(config: ServerConfig) -> TrustedProxy | None:
    settings = config.authentication
    if settings.trusted_dn_header is None or settings.trusted_dn_secret is None:
        return None
    return TrustedProxy(header=settings.trusted_dn_header, secret=settings.trusted_dn_secret)
