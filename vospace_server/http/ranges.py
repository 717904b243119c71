"""Ranges and conditions of HTTP (RFC 9110, sections 13 and 14), as pure decisions."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.datastructures import Headers

from vospace_model.faults import PreconditionFailed
from vospace_model.timestamps import nanoseconds_of
from vospace_server.domain.content import ByteRange
from vospace_server.services.upload_conditions import UploadConditions

_TAG = re.compile(r'(W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What conditions are compared with: the entity tag and the time of the content."""

    tag: str | None
    """The content id, without quotes; None when there is no content."""
    modified: datetime | None

    @property
    def headers(self) -> dict[str, str]:
        """ETag and Last-Modified."""
        headers = {}
        if self.tag is not None:
            headers["etag"] = f'"{self.tag}"'
        if self.modified is not None:
            headers["last-modified"] = format_http_date(self.modified)
        return headers


def requested_range(headers: Headers, length: int, validators: Validators) -> ByteRange | None:
    """The part that was asked for, None for the whole.

    Several ranges, other units and malformed values mean the whole, as the standard allows; so
    does an If-Range that names other content. Raises RangeNotSatisfiable.
    """
    value = headers.get("range")
    if value is None or not _if_range_holds(headers, validators):
        return None
    return ByteRange.parse(value, length)


def _if_range_holds(headers: Headers, validators: Validators) -> bool:
    value = headers.get("if-range")
    if value is None:
        return True
    if value.startswith(('"', "W/")):
        return value == f'"{validators.tag}"'
    stated = _parse_http_date(value)
    return (
        stated is not None
        and validators.modified is not None
        and (stated == validators.modified.replace(microsecond=0))
    )


def is_not_modified(headers: Headers, validators: Validators) -> bool:
    """Whether a GET or HEAD is answered 304."""
    condition = headers.get("if-none-match")
    if condition is not None:
        return _names(condition, validators.tag, weak=True)
    since = _parse_http_date(headers.get("if-modified-since", ""))
    if since is None or validators.modified is None:
        return False
    return validators.modified.replace(microsecond=0) <= since


def check_if_match(headers: Headers, tag: str | None) -> None:
    """Raises PreconditionFailed when If-Match names other content than tag (None: none)."""
    condition = headers.get("if-match")
    if condition is not None and not _names(condition, tag, weak=False):
        raise PreconditionFailed(f"If-Match asks for {condition}, the content is {_shown(tag)}")


def check_preconditions(headers: Headers, validators: Validators) -> None:
    """What comes before all other conditions: If-Match or, without it, If-Unmodified-Since.

    Raises PreconditionFailed.
    """
    check_if_match(headers, validators.tag)
    if "if-match" in headers or validators.modified is None:
        return
    until = _parse_http_date(headers.get("if-unmodified-since", ""))
    if until is not None and validators.modified.replace(microsecond=0) > until:
        changed = format_http_date(validators.modified)
        raise PreconditionFailed(f"the content is of {changed}, later than If-Unmodified-Since")


def upload_conditions(headers: Headers) -> UploadConditions:
    """What the conditions of a write ask for. Weak tags never match a write's."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    until = None if match else _parse_http_date(headers.get("if-unmodified-since", ""))
    return UploadConditions(
        if_match=None if match is None or _is_any(match) else _tags(match, weak=False),
        must_exist=match is not None and _is_any(match),
        if_none_match=frozenset() if none_match is None else _tags(none_match, weak=True),
        must_not_exist=none_match is not None and _is_any(none_match),
        unmodified_since_ns=None if until is None else nanoseconds_of(until),
    )


def _shown(tag: str | None) -> str:
    return "none" if tag is None else f'"{tag}"'


def _names(condition: str, tag: str | None, *, weak: bool) -> bool:
    """Whether a list of entity tags, or `*`, names the content."""
    if tag is None:
        return False
    return _is_any(condition) or tag in _tags(condition, weak=weak)


def _is_any(condition: str) -> bool:
    return condition.strip() == "*"


def _tags(condition: str, *, weak: bool) -> frozenset[str]:
    return frozenset(tag for mark, tag in _TAG.findall(condition) if weak or not mark)


def format_http_date(moment: datetime) -> str:
    """An aware datetime as HTTP writes it, in whole seconds."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _parse_http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
