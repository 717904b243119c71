"""Tokens of an OpenID issuer: which are believed, whose they are, and what attacks come to."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from tests.support.issuer import AUDIENCE, Issuer, ec_key, okp_key, rsa_key
from tests.vospace_server.auth.conftest import Desk
from vospace_model.faults import NotAuthenticated, PermissionDenied, ServiceBusy
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.issuer_keys import IssuerKeys
from vospace_server.auth.issuer_login import IssuerLogin, IssuerRules
from vospace_server.auth.memberships import Memberships
from vospace_server.domain.account import IdentityKind, issued_name
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.remote.issuer_documents import IssuerDocuments, IssuerUnreachableError
from vospace_server.services.accounts import NewUser

DEPRECATED = "ignore:EdDSA is deprecated"


@dataclass(kw_only=True)
class Stopwatch:
    """Seconds that a test lets pass."""

    now: float = 1000.0

    def read(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Gate:
    """A login by tokens of a real issuer, with the clock of its key cache."""

    issuer: Issuer
    desk: Desk
    watch: Stopwatch = field(default_factory=Stopwatch)

    def login(self, *, provision: bool = False, **changed: Any) -> IssuerLogin:
        rules: dict[str, Any] = {
            "issuer": self.issuer.url,
            "audience": (AUDIENCE, "other"),
            "algorithms": ("RS256", "ES256", "EdDSA"),
            "leeway_seconds": 60,
            "name_claim": "preferred_username",
            "groups_claim": "groups",
            "group_service": "ivo://iam.example/gms",
        }
        return IssuerLogin(
            rules=IssuerRules(**{**rules, **changed}),
            keys=IssuerKeys(
                IssuerDocuments(self.issuer.url, ca_file=self.issuer.ca_file),
                fresh_seconds=3600,
                clock=self.watch.read,
            ),
            directory=AccountDirectory(
                database=self.desk.database, memberships=Memberships(naming=self.desk.naming)
            ),
            provision=self.desk.accounts.provision if provision else None,
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(folder=tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def gate(served: Issuer, desk: Desk) -> Iterator[Gate]:
    """An issuer with its first keys, to which `s-1` is the user carol."""
    keys = list(served.keys)
    desk.accounts.add(NewUser(name="carol"), by=OPERATOR)
    add = [(IdentityKind.OIDC, issued_name(served.url, "s-1"))]
    desk.accounts.change_identities("carol", add=add, by=OPERATOR)
    yield Gate(issuer=served, desk=desk)
    served.keys, served.answering, served.asked = keys, True, 0
    served.instead.clear()


def test_a_token_logs_in_whoever_the_account_names(gate: Gate) -> None:
    token = gate.issuer.token()

    identity = gate.login().identify(token)

    assert isinstance(identity, Identity)
    assert (identity.name, identity.scope) == ("carol", TokenScope.WRITE)
    assert identity.expires is not None
    assert 0 < identity.expires.timestamp() - time.time() <= 600


@pytest.mark.filterwarnings(DEPRECATED)
@pytest.mark.parametrize(
    ("make", "algorithm"), [(ec_key, "ES256"), (okp_key, "EdDSA"), (rsa_key, "RS256")]
)
def test_each_allowed_signature_is_believed(
    gate: Gate, make: Callable[[str], Any], algorithm: str
) -> None:
    gate.issuer.keys = [gate.issuer.keys[0], make("second")]
    token = gate.issuer.token(key=gate.issuer.keys[1], algorithm=algorithm)

    assert gate.login().identify(token).name == "carol"


def test_keys_are_read_once_for_many_tokens(gate: Gate) -> None:
    login = gate.login()

    for _ in range(5):
        login.identify(gate.issuer.token())

    assert gate.issuer.asked == 1


def test_groups_are_those_of_the_issuer_and_never_ours(gate: Gate) -> None:
    token = gate.issuer.token(groups=["hst", "/team/leads", "a b", 7, "x?y#z"])

    assert gate.login().identify(token).groups == {
        "ivo://iam.example/gms?hst",
        "ivo://iam.example/gms?team/leads",
    }


@pytest.mark.parametrize(
    ("claim", "scope"),
    [
        ("openid profile read:messages write", "write"),
        (None, "write"),
        ("openid read", "read"),
        ("write:/a\u00a0b", "write:/a%C2%A0b"),
        ("openid storage.read:/", "read"),
        ("storage.read", "read"),
        ("storage.read:/hst storage.modify:/durand/a%20b", "read:/hst write:/durand/a%20b"),
        ("read:/hst write:/durand", "read:/hst write:/durand"),
        (["storage.read:/hst", "openid"], "read:/hst"),
        ("storage.read:/ storage.create:/durand", "read"),
        ("storage.create:/durand storage.stage:/", ""),
    ],
)
def test_what_the_issuer_has_limited_stays_limited(
    gate: Gate, claim: object, scope: str
) -> None:
    """Contract 3.5: scopes only narrow, those of other issuers as well."""
    identity = gate.login().identify(gate.issuer.token(scope=claim))

    assert identity.scope.label == scope
    assert identity.may_write == ("write" in scope)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("storage.read:hst", "must begin with a slash"),
        ("storage.read:", "must begin with a slash"),
        (7, "the claim scope is no text"),
        ({"storage.read": "/"}, "the claim scope is no text"),
        (["read:/", 7], "the claim scope is no text"),
    ],
)
def test_a_limit_that_is_none_is_refused_and_not_ignored(
    gate: Gate, claim: object, reason: str
) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        gate.login().identify(gate.issuer.token(scope=claim))

    assert reason in refused.value.detail


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "https://other.example/"}, "Invalid claim: 'aud'"),
        ({"aud": None}, "Missing claim: 'aud'"),
        ({"aud": []}, "Invalid claim: 'aud'"),
        ({"iss": "https://evil.example"}, "Invalid claim: 'iss'"),
        ({"iss": None}, "Missing claim: 'iss'"),
        ({"sub": None}, "Missing claim: 'sub'"),
        ({"sub": 5}, "Claim 'sub' must be"),
        ({"sub": "x" * 300}, "no issuer and subject"),
        ({"exp": None}, "Missing claim: 'exp'"),
        ({"exp": int(time.time()) - 3600}, "the token has expired"),
        ({"exp": "tomorrow"}, "Claim 'exp' must be"),
        ({"nbf": int(time.time()) + 3600}, "not yet valid"),
        ({"iat": int(time.time()) + 3600}, "issued in the future"),
    ],
)
def test_claims_that_are_not_for_us_or_not_for_now_are_refused(
    gate: Gate, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        gate.login().identify(gate.issuer.token(**changed))

    assert reason in refused.value.detail


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_clocks_may_differ_a_little(gate: Gate, name: str) -> None:
    shift = -30 if name == "exp" else 30

    changed: dict[str, Any] = {name: int(time.time()) + shift}
    token = gate.issuer.token(**changed)

    assert gate.login().identify(token).name == "carol"


def encoded(value: dict[str, Any]) -> str:
    text = json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unsigned(issuer: Issuer) -> str:
    return f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(issuer.claims())}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    secret = issuer.keys[0].as_pem(private=False)
    signing = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(issuer.claims())}"
    signature = hmac.new(secret, signing.encode(), hashlib.sha256).digest()
    return f"{signing}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_by_a_stranger(issuer: Issuer) -> str:
    return issuer.token(key=rsa_key("first"))


def with_its_own_key_in_the_header(issuer: Issuer) -> str:
    stranger = rsa_key("first")
    return issuer.token(key=stranger, header={"jwk": stranger.as_dict(private=False)})


def with_a_path_as_the_name_of_the_key(issuer: Issuer) -> str:
    return issuer.token(key=rsa_key("x"), header={"kid": "../../../dev/null"})


def with_another_algorithm_than_the_keys(issuer: Issuer) -> str:
    return issuer.token(key=ec_key("first"), algorithm="ES256")


def with_an_unknown_critical_header(issuer: Issuer) -> str:
    header = {"alg": "RS256", "kid": "first", "crit": ["x"], "x": 1}
    signing = f"{encoded(header)}.{encoded(issuer.claims())}"
    good = issuer.token().rpartition(".")[2]
    return f"{signing}.{good}"


def changed_after_signing(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return f"{header}.{encoded(issuer.claims(sub='root'))}.{signature}"


def nonsense(_: Issuer) -> str:
    return "a.b.c"


def of_no_object(issuer: Issuer) -> str:
    header = {"alg": "RS256", "kid": "first"}
    return jws.serialize_compact(header, b"[1]", issuer.keys[0], algorithms=["RS256"])


def without_an_algorithm(issuer: Issuer) -> str:
    return f"{encoded({'kid': 'first'})}.{encoded(issuer.claims())}.AAAA"


def with_text_that_is_no_ascii(issuer: Issuer) -> str:
    return issuer.token() + "é\udcff"


def of_a_megabyte(issuer: Issuer) -> str:
    return issuer.token(padding="x" * 1_000_000)


@pytest.mark.parametrize(
    "attack",
    [
        unsigned,
        signed_with_the_public_key,
        signed_by_a_stranger,
        with_its_own_key_in_the_header,
        with_a_path_as_the_name_of_the_key,
        with_another_algorithm_than_the_keys,
        with_an_unknown_critical_header,
        changed_after_signing,
        nonsense,
        of_no_object,
        without_an_algorithm,
        with_text_that_is_no_ascii,
        of_a_megabyte,
    ],
)
def test_a_forgery_logs_nobody_in(gate: Gate, attack: Callable[[Issuer], str]) -> None:
    login = gate.login()
    assert login.identify(gate.issuer.token()).name == "carol"

    with pytest.raises(NotAuthenticated):
        login.identify(attack(gate.issuer))


# ------------------------------------------------------------------ keys


def test_a_rotated_key_is_found_and_the_old_one_forgotten(gate: Gate) -> None:
    login = gate.login()
    old = gate.issuer.token()
    login.identify(old)
    gate.issuer.keys = [rsa_key("next")]
    gate.watch.now += 11

    assert login.identify(gate.issuer.token()).name == "carol"
    with pytest.raises(NotAuthenticated, match="a key that its issuer does not have"):
        login.identify(old)


def test_invented_names_of_keys_do_not_make_us_ask_again_and_again(gate: Gate) -> None:
    login = gate.login()
    login.identify(gate.issuer.token())
    gate.watch.now += 11

    for number in range(20):
        with pytest.raises(NotAuthenticated):
            login.identify(gate.issuer.token(header={"kid": f"invented-{number}"}))

    assert gate.issuer.asked == 2


def test_while_the_issuer_is_away_its_last_keys_go_on(gate: Gate) -> None:
    login = gate.login()
    login.identify(gate.issuer.token())
    gate.issuer.answering = False
    gate.watch.now += 7200

    assert login.identify(gate.issuer.token()).name == "carol"
    with pytest.raises(ServiceBusy):
        login.identify(gate.issuer.token(key=rsa_key("next")))
    gate.watch.now += 86400
    with pytest.raises(ServiceBusy):
        login.identify(gate.issuer.token())


def test_an_issuer_that_never_answered_is_no_fault_of_the_user(gate: Gate) -> None:
    gate.issuer.answering = False
    login = gate.login()

    with pytest.raises(ServiceBusy) as busy:
        login.identify(gate.issuer.token())
    gate.issuer.answering = True
    gate.watch.now += 11

    assert busy.value.retry_after_seconds == 30
    assert login.identify(gate.issuer.token()).name == "carol"


def test_a_token_without_a_key_name_needs_an_issuer_with_one_key(gate: Gate) -> None:
    token = gate.issuer.token(header={"kid": None})
    login = gate.login()

    alone = login.identify(token)
    gate.issuer.keys = [*gate.issuer.keys, ec_key("second")]
    gate.watch.now += 3601

    assert alone.name == "carol"
    with pytest.raises(NotAuthenticated):
        login.identify(token)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/realm/.well-known/openid-configuration", b"{}"),
        ("/realm/.well-known/openid-configuration", b"[1]"),
        ("/realm/.well-known/openid-configuration", b"\xff"),
        ("/realm/.well-known/openid-configuration", b'{"issuer": "https://evil.example"}'),
        ("/realm/keys", b"{}"),
        ("/realm/keys", b'{"keys": [5]}'),
        ("/realm/keys", b'{"keys": "' + b"x" * 2_000_000 + b'"}'),
    ],
)
def test_what_is_no_document_of_the_issuer_is_not_used(
    gate: Gate, path: str, content: bytes
) -> None:
    gate.issuer.instead[path] = content

    with pytest.raises(IssuerUnreachableError):
        IssuerDocuments(gate.issuer.url, ca_file=gate.issuer.ca_file).keys()


def test_keys_are_not_read_without_tls(gate: Gate) -> None:
    told = {"issuer": gate.issuer.url, "jwks_uri": "http://keys.example/keys"}
    path = "/realm/.well-known/openid-configuration"
    gate.issuer.instead[path] = json.dumps(told).encode()

    with pytest.raises(IssuerUnreachableError, match="no https address"):
        IssuerDocuments(gate.issuer.url, ca_file=gate.issuer.ca_file).keys()


def test_an_issuer_that_nobody_vouches_for_is_not_heard(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    with pytest.raises(IssuerUnreachableError, match="certificate verify failed"):
        IssuerDocuments(gate.issuer.url).keys()


def test_keys_that_sign_nothing_are_left_out(gate: Gate, tmp_path: Path) -> None:
    good = gate.issuer.keys[0].as_dict(private=False)
    keys = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {**good, "use": "enc", "kid": "enc"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "new", "kid": "new"},
        good,
    ]
    gate.issuer.instead["/realm/keys"] = json.dumps({"keys": keys}).encode()

    assert gate.login().identify(gate.issuer.token()).name == "carol"


# ------------------------------------------------------------------ accounts


def test_a_stranger_is_known_to_nobody(gate: Gate) -> None:
    with pytest.raises(PermissionDenied, match="identity not known: the token is valid"):
        gate.login().identify(gate.issuer.token(sub="s-2", preferred_username="dave"))


def test_a_stranger_gets_an_account_where_that_is_wanted(gate: Gate) -> None:
    login = gate.login(provision=True)
    token = gate.issuer.token(sub="s-2", preferred_username="dave")

    first, second = login.identify(token), login.identify(token)

    assert (first.name, first.user_id) == ("dave", second.user_id)
    assert not first.is_admin
    assert gate.desk.accounts.get("dave").issued_names == (f"{gate.issuer.url} s-2",)


@pytest.mark.parametrize("name", ["carol", "../x", "", None, 7])
def test_nobody_is_given_the_account_of_another_or_a_strange_name(
    gate: Gate, name: object
) -> None:
    login = gate.login(provision=True)

    with pytest.raises(PermissionDenied, match="identity not known"):
        login.identify(gate.issuer.token(sub="s-2", preferred_username=name))


def test_a_disabled_account_stays_shut(gate: Gate) -> None:
    gate.desk.accounts.set_disabled("carol", disabled=True, by=OPERATOR)

    with pytest.raises(NotAuthenticated, match="the account 'carol' is disabled"):
        gate.login().identify(gate.issuer.token())
