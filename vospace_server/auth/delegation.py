"""Delegation: acting for an account that authenticated earlier, with the rights of now."""

from vospace_model.faults import PermissionDenied
from vospace_server.auth.directory import AccountDirectory, identity_of
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope


class Delegation:
    """For jobs and tickets, which outlive the request in which somebody proved who they are."""

    def __init__(self, *, directory: AccountDirectory) -> None:
        self._directory = directory

    def identify(self, name: str, scope: TokenScope) -> Identity:
        """The account as it is now, at most with the scope it had then.

        Raises PermissionDenied when the account is gone or disabled.
        """
        account = self._directory.by_name(name)
        if account is None or account.user.disabled:
            raise PermissionDenied(f"the account {name!r} is disabled")
        return identity_of(account, scope)
