"""Parameters of queries and forms as the IVOA defines them: names are case-insensitive."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from vospace_model.faults import InvalidArgument, InvalidURI
from vospace_server.http.request_bodies import read_document

FORM_TYPE = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES = 64 * 1024
_MAX_FIELDS = 1000
# In ASCII and without the underscores that int() takes as well.
_INTEGER: Final = re.compile(r"-?[0-9]+")
_MAX_DIGITS: Final = 20
_MAX_INTEGER: Final = (1 << 63) - 1


class Parameters:
    """The parameters of one request, in the order given."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def get(self, name: str) -> str | None:
        """The value, None when it is missing. Raises InvalidArgument for a repeated one."""
        values = self.all(name)
        if len(values) > 1:
            raise InvalidArgument(f"the parameter {name} is given {len(values)} times")
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may be repeated."""
        return tuple(value for key, value in self.pairs if key.lower() == name.lower())

    def integer(self, name: str, *, minimum: int | None = None) -> int | None:
        """A whole number, None when it is missing. Raises InvalidArgument.

        One beyond 64 bits becomes the largest that a database can hold: every number here is
        a bound, and means the same then.
        """
        value = self.get(name)
        if value is None:
            return None
        if _INTEGER.fullmatch(value) is None:
            raise InvalidArgument(f"{name} is a whole number, not {value[:40]!r}")
        number = int(value[:_MAX_DIGITS])
        if minimum is not None and number < minimum:
            raise InvalidArgument(f"{name} is at least {minimum}, not {value[:40]}")
        return min(number, _MAX_INTEGER)


def query_parameters(request: Request) -> Parameters:
    """The parameters of the query. Raises InvalidURI when it is not UTF-8."""
    return Parameters(_parse(request.scope["query_string"]))


async def form_parameters(request: Request) -> Parameters:
    """The parameters of the query, then those of the body when it is a form.

    Raises InvalidURI when they are not UTF-8, RequestEntityTooLarge for a huge form.
    """
    pairs = _parse(request.scope["query_string"])
    if is_form(request):
        pairs += _parse(await read_document(request, _MAX_FORM_BYTES))
    return Parameters(pairs)


def is_form(request: Request) -> bool:
    """Whether the body is a form."""
    content_type = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def _parse(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except UnicodeDecodeError:
        raise InvalidURI("the parameters are not percent-encoded UTF-8") from None
    except ValueError as error:
        raise InvalidArgument(f"the parameters can't be read: {error}") from None
