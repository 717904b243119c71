"""The Authorization header, as clients spell it and as attackers do."""

import base64

import pytest

from vospace_model.faults import NotAuthenticated
from vospace_server.auth.credentials import (
    PasswordCredentials,
    TokenCredentials,
    read_authorization,
)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_read_in_any_case(scheme: str) -> None:
    assert read_authorization(f"{scheme} abc") == TokenCredentials(token="abc")


def test_basic_splits_at_the_first_colon() -> None:
    expected = PasswordCredentials(name="ann", password="a:b")

    assert read_authorization(basic("ann:a:b")) == expected


def test_basic_is_utf8() -> None:
    expected = PasswordCredentials(name="ann", password="pässwörd")

    assert read_authorization(basic("ann:pässwörd")) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Basic !!!", "the Basic credentials are not base64"),
        (basic("nocolon"), "the Basic credentials hold no colon"),
        ("Bearer", "the token is empty"),
        ("Bearer  ", "the token is empty"),
        ("Digest username=x", "the Authorization header must be Basic or Bearer"),
        ("", "the Authorization header must be Basic or Bearer"),
    ],
)
def test_anything_else_is_refused_with_the_reason(value: str, message: str) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        read_authorization(value)

    assert caught.value.detail == message


def test_secrets_are_not_in_the_representation() -> None:
    shown = repr(read_authorization(basic("ann:hidden"))) + repr(
        read_authorization("Bearer hid")
    )

    assert "hid" not in shown
