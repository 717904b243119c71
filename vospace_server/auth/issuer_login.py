"""IssuerLogin: bearer tokens that an OpenID issuer has signed (OpenID Connect Core 1.0).

A token is believed when one of the issuer's published keys has signed it with an algorithm
that the operator allows, for us, within its time. What its header says of keys (jwk, jku,
x5u) is never looked at.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from typing_extensions import override

from vospace_model.faults import Fault, NotAuthenticated, PermissionDenied
from vospace_server.auth.directory import AccountDirectory, KnownAccount, identity_of
from vospace_server.auth.issued_scope import issued_scope
from vospace_server.auth.issuer_keys import IssuerKeys
from vospace_server.domain.account import (
    AdministrationError,
    IdentityKind,
    InvalidValueError,
    issued_name,
)
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope

_MOST_TOKEN_CHARACTERS: Final = 16 * 1024
_GROUP_NAME: Final = re.compile(r"[A-Za-z0-9._~,/-]{1,255}", re.ASCII)
_MOST_GROUPS: Final = 1000

Provision = Callable[[str, str], None]
"""Makes an account of this name, known as this; raises AdministrationError."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRules:
    """What a token must be, and what is taken from it.

    `group_service` is what the URIs of its groups begin with, which are no groups of ours.
    """

    issuer: str
    audience: Sequence[str]
    algorithms: Sequence[str]
    leeway_seconds: int
    name_claim: str
    groups_claim: str | None
    group_service: str | None


class IssuerLogin:
    """Checks tokens and finds their users; shared by all threads of a process.

    `provision` makes an account for whoever has none; None leaves that to administrators.
    """

    def __init__(
        self,
        *,
        rules: IssuerRules,
        keys: IssuerKeys,
        directory: AccountDirectory,
        provision: Provision | None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._directory = directory
        self._provision = provision
        self._clock = clock
        self._registry = _AllowedAlgorithms(
            algorithms=rules.algorithms, strict_check_header=False
        )

    def identify(self, token: str) -> Identity:
        """Who presents the token.

        Raises NotAuthenticated for a token that is not good, PermissionDenied for one of
        somebody who has no account, ServiceBusy when the issuer can't be asked for its keys.
        """
        claims = self._claims(token)
        account = self._account(claims)
        if account.user.disabled:
            raise NotAuthenticated(f"the account {account.user.name!r} is disabled")
        groups = account.groups | self._groups(claims)
        expires = datetime.fromtimestamp(min(claims["exp"], _LAST_SECOND), UTC)
        return identity_of(
            KnownAccount(user=account.user, groups=groups), _scope(claims), expires=expires
        )

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MOST_TOKEN_CHARACTERS:
            raise NotAuthenticated("the token is longer than any that this service takes")
        try:
            header = jws.extract_compact(token.encode(), registry=self._registry).headers()
            self._registry.get_alg(str(header.get("alg")))
            name = header.get("kid")
            key = self._keys.find(None if name is None else str(name))
            claims = jwt.decode(token, key, registry=self._registry).claims
            self._expected().validate(claims)
        except Fault:
            raise
        except ExpiredTokenError as error:
            raise NotAuthenticated("the token has expired; get a new one") from error
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            # What a library raises for nonsense is not for us to foresee exactly.
            raise NotAuthenticated(f"the token is not accepted: {error}") from error
        return claims

    def _expected(self) -> jwt.JWTClaimsRegistry:
        rules = self._rules
        return jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=rules.leeway_seconds,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "values": list(rules.audience)},
            sub={"essential": True},
            exp={"essential": True},
        )

    def _account(self, claims: dict[str, Any]) -> KnownAccount:
        try:
            value = issued_name(self._rules.issuer, claims["sub"])
        except InvalidValueError as error:
            raise NotAuthenticated(f"the token is not accepted: {error}") from error
        account = self._directory.by_identity(IdentityKind.OIDC, value)
        if account is None and self._provision is not None:
            self._make_account(self._provision, self._name(claims), value)
            account = self._directory.by_identity(IdentityKind.OIDC, value)
        if account is None:
            raise PermissionDenied(
                f"identity not known: the token is valid, but no account belongs to "
                f"{claims['sub']!r} of {self._rules.issuer}; ask an administrator to add it"
            )
        return account

    def _name(self, claims: dict[str, Any]) -> str:
        name = claims.get(self._rules.name_claim)
        if not isinstance(name, str):
            raise PermissionDenied(
                f"identity not known, and the token names none ({self._rules.name_claim})"
            )
        return name

    def _make_account(self, provision: Provision, name: str, value: str) -> None:
        try:
            provision(name, value)
        except AdministrationError as error:
            # Another request of the same user may have been first.
            if self._directory.by_identity(IdentityKind.OIDC, value) is None:
                raise PermissionDenied(
                    f"identity not known, and no account can be made for it: {error}"
                ) from error

    def _groups(self, claims: dict[str, Any]) -> frozenset[str]:
        if self._rules.groups_claim is None:
            return frozenset()
        listed = claims.get(self._rules.groups_claim)
        names = listed if isinstance(listed, list) else []
        return frozenset(
            f"{self._rules.group_service}?{name.lstrip('/')}"
            for name in names[:_MOST_GROUPS]
            if isinstance(name, str) and _GROUP_NAME.fullmatch(name)
        )


def _scope(claims: dict[str, Any]) -> TokenScope:
    try:
        return issued_scope(claims)
    except ValueError as error:
        raise NotAuthenticated(f"the token is not accepted: {error}") from error


# The last second that datetime knows.
_LAST_SECOND: Final = 253_402_300_799


class _AllowedAlgorithms(JWSRegistry):
    """The algorithms that the operator allows, and no others, deprecated ones in silence."""

    @override
    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"signatures of kind {name[:20]!r} are not allowed")
        return self.algorithms[name]
