"""What the services say of themselves, and the state that an administrator puts them into."""

from starlette.middleware import Middleware

from vospace_model.api import BUNDLE_PATH
from vospace_server.composition.services import Services
from vospace_server.config import ServerConfig
from vospace_server.http.addresses import Addresses
from vospace_server.http.capabilities import (
    CERTIFICATES_ROOT,
    GROUPS_ROOT,
    USERS_ROOT,
    SecureDoor,
    certificates_parts,
    groups_parts,
    users_parts,
    vault_parts,
)
from vospace_server.http.challenges import LOGIN_PATH, TOKEN_PATH, Challenges
from vospace_server.http.login import USERS_PATH, WHOAMI_PATH
from vospace_server.http.service_gate import ServiceGate
from vospace_server.http.vosi import Checks, VosiEndpoints
from vospace_server.services.service_states import ServiceStateService
from vospace_server.web.addresses import ADMIN_STATE, ASSETS, LOGIN, LOGOUT, PREFERENCES


def build_challenges(config: ServerConfig) -> Challenges:
    """How one may log in, as it is told to those who have to."""
    return Challenges(
        realm=config.service.realm,
        public_url=config.server.public_url,
        certificates=takes_certificates(config),
        issuer=config.oidc.issuer,
    )


def build_vosi(
    config: ServerConfig,
    services: Services,
    addresses: Addresses,
    states: ServiceStateService,
) -> VosiEndpoints:
    """The documents about our services, each under its folder."""
    parts = {
        addresses.root: vault_parts(addresses),
        GROUPS_ROOT: groups_parts(),
        USERS_ROOT: users_parts(WHOAMI_PATH, USERS_PATH),
        CERTIFICATES_ROOT: certificates_parts(),
    }
    return VosiEndpoints(
        addresses=addresses,
        services=parts,
        identifiers=_identifiers(config, addresses),
        door=SecureDoor(certificates=takes_certificates(config), port=config.server.tls_port),
        checks=Checks(whole=services.reading.check, heartbeat=services.reading.check_database),
        states=states,
    )


def build_gate(addresses: Addresses, states: ServiceStateService) -> Middleware:
    """What is refused while the service only reads or rests."""
    return Middleware(
        ServiceGate,
        states=states,
        roots=(addresses.root, GROUPS_ROOT, USERS_ROOT, CERTIFICATES_ROOT),
        # Questions that come by POST, and the way in.
        reading=(
            LOGIN_PATH,
            TOKEN_PATH,
            addresses.synctrans,
            addresses.packages,
            BUNDLE_PATH,
            PREFERENCES,
        ),
        open_to_all=(ASSETS, LOGIN, LOGOUT, ADMIN_STATE),
    )


def takes_certificates(config: ServerConfig) -> bool:
    """Whether clients can log in by certificate."""
    by_tls = config.server.tls_cert is not None and config.server.client_certificates
    return by_tls or config.authentication.trusted_dn_header is not None


def _identifiers(config: ServerConfig, addresses: Addresses) -> list[tuple[str, str]]:
    """Our services under our authority and, where configured, under those of others."""
    own = (
        (config.service.name, addresses.root),
        ("gms", GROUPS_ROOT),
        ("ums", USERS_ROOT),
        ("cred", CERTIFICATES_ROOT),
    )
    authorities = (config.service.authority, *config.service.registry_authorities)
    return [
        (f"ivo://{authority}/{name}", root) for authority in authorities for name, root in own
    ]
