"""The text of access tokens: 256 random bits, of which only a digest is kept."""

import hashlib
import secrets

# Lets people and secret scanners recognise what they have found in a file.
PREFIX = "vost_"


def new_token() -> str:
    """A token that nobody has seen before, safe in headers, URLs and forms."""
    return PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored: SHA-256 in hex; 256 random bits need nothing slower."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
