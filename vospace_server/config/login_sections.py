"""The settings of logging in: our own passwords, tokens and certificates, and other issuers."""

from dataclasses import dataclass, field
from pathlib import Path

from vospace_server.config.settings import about


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationSection:
    """How passwords and tokens are checked."""

    verified_seconds: float = field(
        default=60.0,
        metadata=about(
            "a verified password is not hashed again for this long", minimum=0, maximum=3600
        ),
    )
    concurrent_checks: int = field(
        default=2,
        metadata=about(
            "passwords hashed at the same time (19 MiB each)", minimum=1, maximum=64
        ),
    )
    failures_per_account: int = field(
        default=10,
        metadata=about(
            "wrong passwords for one account per minute before it must wait", minimum=1
        ),
    )
    failures_per_address: int = field(
        default=50,
        metadata=about(
            "wrong passwords from one address per minute before it must wait", minimum=1
        ),
    )
    login_token_days: int = field(
        default=2,
        metadata=about("life of the token that /ac/login gives", minimum=1, maximum=3650),
    )
    certificate_days: int = field(
        default=30,
        metadata=about(
            "longest life of a certificate that /cred/priv gives", minimum=1, maximum=397
        ),
    )
    trusted_dn_header: str | None = field(
        default=None,
        metadata=about("header in which a proxy names the holder of a client certificate"),
    )
    trusted_dn_secret: str | None = field(
        default=None,
        repr=False,
        metadata=about(
            "what that proxy must send as X-Proxy-Secret to be believed", secret=True
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSection:
    """Bearer tokens of another issuer (OpenID Connect); needs the extra [oidc]."""

    issuer: str | None = field(
        default=None, metadata=about("URL of the issuer; its tokens log in when it is set")
    )
    audience: tuple[str, ...] = field(
        default=(), metadata=about("a token must be made for one of these (claim aud)")
    )
    algorithms: tuple[str, ...] = field(
        default=("RS256", "ES256", "EdDSA"),
        metadata=about("signatures that are believed; only public-key ones may be named"),
    )
    name_claim: str = field(
        default="preferred_username",
        metadata=about("claim that names a new account"),
    )
    groups_claim: str | None = field(
        default=None, metadata=about("claim that lists group names; else none are taken over")
    )
    group_service: str | None = field(
        default=None,
        metadata=about("what the URIs of those groups begin with: ivo://iam.example.org/gms"),
    )
    auto_provision: bool = field(
        default=False,
        metadata=about("make an account for whoever has none, at the first login"),
    )
    leeway_seconds: int = field(
        default=60,
        metadata=about("difference of clocks that is forgiven", minimum=0, maximum=600),
    )
    keys_seconds: int = field(
        default=3600, metadata=about("the issuer's keys are read again after this", minimum=1)
    )
    ca_file: Path | None = field(
        default=None, metadata=about("authorities of the issuer's own TLS certificate (PEM)")
    )
