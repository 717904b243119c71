"""Calling services from pages: one hop into a thread, and what can't be done in words."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vospace_model.faults import InvalidArgument, NodeNotFound
from vospace_server.domain.account import (
    AdministrationError,
    NoSuchGroupError,
    NoSuchTokenError,
    NoSuchUserError,
)
from vospace_server.http.threads import in_thread
from vospace_server.web.forms import Form

P = ParamSpec("P")
T = TypeVar("T")

_MISSING = (NoSuchGroupError, NoSuchUserError, NoSuchTokenError)


async def call(func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What a service returns; what it can't do becomes a fault, and so a page of its own."""
    try:
        return await in_thread(func, *args, **kwargs)
    except _MISSING as error:
        raise NodeNotFound(str(error)) from error
    except AdministrationError as error:
        raise InvalidArgument(str(error)) from error


async def attempt(
    form: Form, field: str, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """What a service returns; what it can't do is said beside a field of the form (None)."""
    try:
        return await in_thread(func, *args, **kwargs)
    except AdministrationError as error:
        text = str(error)
        form.refuse(field, f"{text[:1].upper()}{text[1:]}.")
        return None
