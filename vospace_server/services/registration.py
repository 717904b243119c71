"""RegistrationService: accounts that people make for themselves, where they may."""

import enum
from collections.abc import Callable

from vospace_model.faults import PermissionDenied
from vospace_server.domain.account import User
from vospace_server.domain.identity import ANONYMOUS
from vospace_server.services.accounts import AccountService, NewUser


class RegistrationMode(enum.StrEnum):
    """Who may make an account."""

    OPEN = "open"
    APPROVAL = "approval"
    OFF = "off"


class RegistrationService:
    """Makes accounts that nobody vouches for.

    They have a name and a password, and nothing else: an e-mail address or a distinguished name
    counts in groups, and nobody has proved that theirs is theirs. `count` is told of each
    attempt of an address and raises ServiceBusy when there are too many.
    """

    def __init__(
        self,
        *,
        accounts: AccountService,
        mode: RegistrationMode,
        count: Callable[[str], None],
    ) -> None:
        self._accounts = accounts
        self.mode = mode
        self._count = count

    def register(self, name: str, password: str, *, address: str) -> User:
        """A new account; with approval it is shut until an administrator opens it.

        Raises PermissionDenied where registration is off, AdministrationError for a name or
        password that is no good, ServiceBusy for an address that makes too many.
        """
        if self.mode is RegistrationMode.OFF:
            raise PermissionDenied("accounts are made by an administrator here")
        self._count(address)
        waiting = self.mode is RegistrationMode.APPROVAL
        new = NewUser(name=name, password=password, waiting=waiting)
        return self._accounts.add(new, by=ANONYMOUS)
