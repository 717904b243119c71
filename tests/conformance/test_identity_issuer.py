"""Tokens of an OpenID issuer, at a server that believes in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.conftest import SecureSpace, make_secure_server
from tests.support.issuer import AUDIENCE, Issuer, rsa_key


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(folder=tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[SecureSpace]:
    folder: Path = tmp_path_factory.mktemp("oidc")
    config = folder / "server.toml"
    config.write_text(
        f'[oidc]\nissuer = "{issuer.url}"\naudience = ["{AUDIENCE}"]\n'
        f'ca_file = "{issuer.ca_file}"\nauto_provision = true\n'
        'groups_claim = "groups"\ngroup_service = "ivo://iam.example/gms"\n'
    )
    made = make_secure_server(folder, extra=("--config", str(config)))
    with made.server:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_of_the_issuer_logs_in(space: SecureSpace, issuer: Issuer) -> None:
    """Contract 5 row 90; Contract 3.4: bearer tokens of a configured issuer; the first login
    makes the account."""
    with space.plain() as client:
        known = client.get("/ac/whoami", headers=bearer(issuer.token()))
        again = client.get("/ac/whoami", headers=bearer(issuer.token()))
        forged = client.get("/ac/whoami", headers=bearer(issuer.token(key=rsa_key("first"))))

    assert {each.headers["x-vo-authenticated"] for each in (known, again)} == {"carol"}
    assert forged.status_code == 401
    assert "carol" in space.server.administer("user", "list")


def test_an_account_that_is_there_is_joined_by_an_administrator_only(
    space: SecureSpace, issuer: Issuer
) -> None:
    """Contract 3.4: whoever calls himself ann at the issuer is not our ann."""
    token = issuer.token(sub="s-9", preferred_username="ann")
    with space.plain() as client:
        before = client.get("/ac/whoami", headers=bearer(token))
        space.server.administer("user", "identity", "ann", "--add-oidc", issuer.url, "s-9")
        after = client.get("/ac/whoami", headers=bearer(token))

    assert before.status_code == 403
    assert "there is a user 'ann' already" in before.text
    assert after.headers["x-vo-authenticated"] == "ann"


def test_groups_of_the_issuer_open_what_names_them(space: SecureSpace, issuer: Issuer) -> None:
    """Contract 3.1: a group is `ivo://authority/service?name`, whoever keeps it."""
    with space.plain(space.ann) as ann:
        ann.put("/vault/files/ann/shared", content=b"x").raise_for_status()
        for path in ("ann", "ann/shared"):
            ann.patch(
                f"/api/v1/nodes/{path}", json={"read_groups": ["ivo://iam.example/gms?hst"]}
            ).raise_for_status()
    with space.plain() as client:
        statuses = [
            client.get("/vault/files/ann/shared", headers=bearer(token)).status_code
            for token in (issuer.token(groups=["hst"]), issuer.token(groups=["other"]))
        ]

    assert statuses == [303, 403]


def test_the_issuer_is_named_in_the_challenges(space: SecureSpace, issuer: Issuer) -> None:
    """Contract 3.4: `ivoa_bearer` with the standard id of OpenID and the issuer's address."""
    with space.plain() as client:
        challenges = client.get("/ac/whoami").headers.get_list("www-authenticate")

    assert (
        f'ivoa_bearer standard_id="ivo://ivoa.net/sso#OpenID", access_url="{issuer.url}"'
        in challenges
    )


def test_while_the_issuer_is_away_its_users_go_on(space: SecureSpace, issuer: Issuer) -> None:
    """Contract 1.5: what is away is not the caller's doing; its last keys are still good."""
    token = issuer.token()
    with space.plain() as client:
        client.get("/ac/whoami", headers=bearer(token))
        issuer.answering = False
        try:
            known = client.get("/ac/whoami", headers=bearer(token))
        finally:
            issuer.answering = True

    assert known.headers["x-vo-authenticated"] == "carol"
