"""`vospace-server user …`."""

import argparse
import getpass
import sys
from datetime import timedelta

from vospace_server.auth.passwords import Passwords
from vospace_server.commands.failures import MISUSED, CommandError
from vospace_server.commands.opening import OpenSpace, open_space
from vospace_server.commands.tables import print_table, shown_time
from vospace_server.domain.account import (
    IdentityKind,
    Token,
    User,
    check_password,
    check_user_name,
    issued_name,
)
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser


def _accounts(space: OpenSpace) -> AccountService:
    passwords = Passwords(concurrent_checks=1)
    return AccountService(database=space.database, hash_password=passwords.hash)


def add(arguments: argparse.Namespace) -> int:
    """Adds a user, in a new space if there is none yet."""
    new = NewUser(
        name=check_user_name(arguments.name),
        password=None if arguments.no_password else _read_password(arguments),
        distinguished_names=arguments.dn,
        email=arguments.email,
        is_admin=arguments.admin,
    )
    with open_space(arguments, create=True) as space:
        user = _accounts(space).add(new, by=OPERATOR)
    print(f"added user {user.name}" + (" (administrator)" if user.is_admin else ""))
    for known in user.distinguished_names:
        print(f"  {known}")
    return 0


def show_all(arguments: argparse.Namespace) -> int:
    """Lists the users."""
    with open_space(arguments) as space:
        users = _accounts(space).all()
    print_table(
        ("NAME", "STATE", "SINCE", "KNOWN AS"),
        [
            (user.name, _state(user), shown_time(user.created), "; ".join(_known_as(user)))
            for user in users
        ],
    )
    return 0


def disable(arguments: argparse.Namespace) -> int:
    """Shuts a user out."""
    with open_space(arguments) as space:
        _accounts(space).set_disabled(arguments.name, disabled=True, by=OPERATOR)
    print(f"disabled user {arguments.name}; passwords and tokens no longer log in")
    return 0


def enable(arguments: argparse.Namespace) -> int:
    """Lets a user in again."""
    with open_space(arguments) as space:
        _accounts(space).set_disabled(arguments.name, disabled=False, by=OPERATOR)
    print(f"enabled user {arguments.name}")
    return 0


def set_password(arguments: argparse.Namespace) -> int:
    """Replaces a user's password."""
    with open_space(arguments) as space:
        accounts = _accounts(space)
        accounts.get(arguments.name)
        accounts.set_password(arguments.name, _read_password(arguments), by=OPERATOR)
    print(f"set the password of {arguments.name}")
    return 0


def token(arguments: argparse.Namespace) -> int:
    """Makes a token, lists them, or ends one."""
    scope = _scope(arguments.scope)
    with open_space(arguments) as space:
        accounts = _accounts(space)
        if arguments.list:
            return _list_tokens(accounts.tokens(arguments.name))
        if arguments.revoke is not None:
            accounts.revoke_token(arguments.name, arguments.revoke, by=OPERATOR)
            print(f"revoked token {arguments.revoke} of {arguments.name}")
            return 0
        text = accounts.make_token(
            arguments.name,
            scope=scope,
            lifetime=_lifetime(arguments.days),
            label="command line",
            by=OPERATOR,
        )
        newest = accounts.tokens(arguments.name)[-1]
    print(
        f"token {newest.token_id} of {arguments.name}: scope {newest.scope.label}, "
        f"until {shown_time(newest.expires)}; it is shown only now"
    )
    print(text)
    return 0


def identity(arguments: argparse.Namespace) -> int:
    """Shows or changes by what else a user is known."""
    added = _identities(arguments.add_dn, arguments.add_oidc)
    removed = _identities(arguments.remove_dn, arguments.remove_oidc)
    with open_space(arguments) as space:
        accounts = _accounts(space)
        if added or removed:
            accounts.change_identities(arguments.name, add=added, remove=removed, by=OPERATOR)
        user = accounts.get(arguments.name)
    for known in _known_as(user):
        print(known)
    return 0


def _identities(names: list[str], issued: list[list[str]]) -> list[tuple[IdentityKind, str]]:
    return [
        *((IdentityKind.X500, name) for name in names),
        *((IdentityKind.OIDC, issued_name(*each)) for each in issued),
    ]


def _scope(text: str) -> TokenScope:
    try:
        return TokenScope.parse(text)
    except ValueError as error:
        raise CommandError(f"--scope: {error}", status=MISUSED) from error


def _lifetime(days: float) -> timedelta:
    try:
        return timedelta(days=days)
    except (OverflowError, ValueError) as error:
        raise CommandError(f"--days {days} is no usable time", status=MISUSED) from error


def _list_tokens(tokens: list[Token]) -> int:
    print_table(
        ("NUMBER", "SCOPE", "STATE", "MADE", "UNTIL", "LAST USED", "LABEL"),
        [
            (
                str(each.token_id),
                each.scope.label,
                "revoked" if each.revoked else "valid",
                shown_time(each.created),
                shown_time(each.expires, never="revoked"),
                shown_time(each.last_used),
                each.label,
            )
            for each in tokens
        ],
    )
    return 0


def _read_password(arguments: argparse.Namespace) -> str:
    """From standard input or the terminal; never from an argument, which `ps` would show."""
    if arguments.password_stdin:
        return check_password(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise CommandError(
            "there is no terminal to ask for the password on; use --password-stdin",
            status=MISUSED,
        )
    password = check_password(getpass.getpass(f"password for {arguments.name}: "))
    if getpass.getpass("the same again: ") != password:
        raise CommandError("the passwords differ; nothing was changed")
    return password


def _state(user: User) -> str:
    states = ["disabled"] if user.disabled else []
    states += ["admin"] if user.is_admin else []
    states += ["no password"] if user.password_hash is None else []
    return ", ".join(states) or "ok"


def _known_as(user: User) -> list[str]:
    mail = [user.email] if user.email else []
    return [*mail, *user.distinguished_names, *user.issued_names]
