"""From a verified chain to its holder, without a network."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.certificates import Authority, Certificate
from tests.vospace_server.auth.conftest import Desk
from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_server.auth.certificate_login import CertificateLogin
from vospace_server.auth.client_certificate import read_certificate
from vospace_server.auth.credentials import CertificateCredentials, TrustedNameCredentials
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.memberships import Memberships
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import NewUser


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


def now() -> datetime:
    return datetime.now(UTC)


def test_the_holder_is_the_first_that_is_no_proxy(authority: Authority) -> None:
    ann = authority.user("Ann")

    for chain in (ann.der_chain, ann.proxy().der_chain, ann.proxy().proxy().der_chain):
        holder = read_certificate(chain, now=now())
        assert (holder.name, holder.subject) == ("cn=ann,o=grid", "CN=Ann,O=Grid")
        assert holder.authority == ann.der_chain[-1]


def test_it_ends_with_the_first_certificate_that_does(authority: Authority) -> None:
    ann = authority.user("Ann", lives=timedelta(days=20))

    holder = read_certificate(ann.proxy().der_chain, now=now())

    assert holder.expires == ann.proxy().certificate.not_valid_after_utc.replace(
        second=holder.expires.second, minute=holder.expires.minute
    )
    assert holder.expires < ann.certificate.not_valid_after_utc


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_certificate_of_the_chain_must_be_valid_now(
    authority: Authority, place: int
) -> None:
    proxy = authority.user("Ann", lives=timedelta(days=10)).proxy()
    moments = [proxy.certificate, *proxy.chain]

    with pytest.raises(NotAuthenticated, match="expired at"):
        read_certificate(
            proxy.der_chain, now=moments[place].not_valid_after_utc + timedelta(seconds=1)
        )
    with pytest.raises(NotAuthenticated, match="begins at"):
        read_certificate(
            proxy.der_chain, now=moments[place].not_valid_before_utc - timedelta(hours=1)
        )


def test_a_chain_of_nothing_or_of_proxies_alone_is_refused(authority: Authority) -> None:
    proxy = authority.user("Ann").proxy()

    with pytest.raises(NotAuthenticated, match="in a new connection"):
        read_certificate((), now=now())
    with pytest.raises(NotAuthenticated, match="proxies only"):
        read_certificate(proxy.der_chain[:1], now=now())


# ------------------------------------------------------------------ accounts


@pytest.fixture
def login(desk: Desk) -> CertificateLogin:
    desk.accounts.add(
        NewUser(name="ann", distinguished_names=["/O=Grid/CN=Ann"], is_admin=True), by=OPERATOR
    )
    directory = AccountDirectory(
        database=desk.database, memberships=Memberships(naming=desk.naming)
    )
    return CertificateLogin(directory=directory, own_authorities=frozenset)


def credentials(certificate: Certificate) -> CertificateCredentials:
    return CertificateCredentials(chain=certificate.der_chain)


def test_a_certificate_has_the_rights_of_its_account(
    login: CertificateLogin, authority: Authority
) -> None:
    ann = authority.user("Ann")

    identity = login.identify(credentials(ann.proxy()))

    assert (identity.name, identity.acts_as_admin) == ("ann", True)
    assert identity.expires is not None


def test_a_name_at_a_foreign_authority_is_not_a_name_of_ours(
    login: CertificateLogin, authority: Authority
) -> None:
    """Another authority may write `CN=ann,O=localhost` too; only ours names accounts so."""
    imitation = authority.user("ann", organization="localhost")

    with pytest.raises(PermissionDenied, match="identity not known"):
        login.identify(credentials(imitation))


def test_a_certificate_of_ours_must_be_one_for_logging_in(
    login: CertificateLogin, authority: Authority
) -> None:
    ann = authority.user("ann", organization="localhost")
    own = CertificateLogin(
        directory=login.directory, own_authorities=lambda: {ann.der_chain[-1]}
    )

    with pytest.raises(NotAuthenticated, match="no certificate for logging in"):
        own.identify(credentials(ann))


def test_a_proxy_server_names_users_in_any_form(login: CertificateLogin) -> None:
    for name in ("/O=Grid/CN=Ann", "CN=Ann, O=Grid", "cn=ann,o=grid"):
        identity = login.identify_name(TrustedNameCredentials(name=name))
        assert (identity.name, identity.scope) == ("ann", TokenScope.ADMIN)

    with pytest.raises(NotAuthenticated, match="is not a distinguished name"):
        login.identify_name(TrustedNameCredentials(name="Ann"))
    with pytest.raises(PermissionDenied):
        login.identify_name(TrustedNameCredentials(name="/O=Grid/CN=Bob"))
