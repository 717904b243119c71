"""What an S3 service says when something is wrong, as one sentence for an operator."""

import re

from vospace_server.storage.object_store import StoreError, StoreFullError
from vospace_server.storage.s3_settings import S3Settings

_CODE = re.compile(r"<Code>(\w+)</Code>", re.ASCII)
# How the HTTP library shows the reason of the operating system, where it shows one.
_REASON = re.compile(r'(?:message|error): "([^"\n]+)"')
_NO_ROOM = frozenset({"QuotaExceeded", "InsufficientCapacity", "InsufficientStorage"})
_UNREACHED = ("error sending request", "operation timed out", "connection closed")
_MAX_LETTERS = 200

_SENTENCES = {
    "NoSuchBucket": "the bucket {bucket} does not exist at {endpoint}",
    "InvalidAccessKeyId": "{endpoint} does not know the access key {access_key}",
    "SignatureDoesNotMatch": "{endpoint} refuses the secret of the access key {access_key}",
    "AccessDenied": "the access key {access_key} may not do this in the bucket {bucket}",
    "RequestTimeTooSkewed": "the clocks of this host and of {endpoint} differ too much",
    "QuotaExceeded": "the quota of the bucket {bucket} is used up",
}


def store_error(doing: str, text: str, settings: S3Settings) -> StoreError:
    """The error to raise for what a client library said while doing something.

    StoreFullError where there is no room, else StoreError; one line, no secret in it.
    """
    sentence = f"{_sentence(text, settings)} (while {doing})"
    code = _code(text)
    return StoreFullError(sentence) if code in _NO_ROOM else StoreError(sentence)


def _code(text: str) -> str | None:
    found = _CODE.search(text)
    return found[1] if found else None


def _sentence(text: str, settings: S3Settings) -> str:
    code = _code(text)
    if code in _SENTENCES:
        return _SENTENCES[code].format(
            bucket=settings.bucket,
            endpoint=settings.endpoint,
            access_key=settings.access_key_id,
        )
    if code is not None:
        return f"{settings.endpoint} answers {code}"
    if any(words in text for words in _UNREACHED):
        reason = _REASON.search(text)
        return f"{settings.endpoint} does not answer" + (f" ({reason[1]})" if reason else "")
    if "403 Forbidden" in text:
        return f"{settings.endpoint} refuses the access key {settings.access_key_id}"
    first_line = text.strip().partition("\n")[0].removeprefix("Generic S3 error: ")
    return first_line[:_MAX_LETTERS] or f"{settings.endpoint} failed without a reason"
