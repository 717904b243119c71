"""The command line: every command, its options and its example. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

PROGRAM = "vospace-server"

if TYPE_CHECKING:
    # argparse has no public name for it, and it can't be subscripted at run time.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
    Options = argparse._ArgumentGroup  # noqa: SLF001 - as above


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read more."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each command names its function in `handler`."""
    parser: argparse.ArgumentParser = _Parser(
        prog=PROGRAM,
        description="Serve a VOSpace and administer it.",
        epilog=f"example:\n  {PROGRAM} serve --data-dir /srv/space",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serving(commands)
    _add_care(commands)
    _add_state(commands)
    _add_users(_group(commands, "user", "users and their tokens"))
    _add_groups(_group(commands, "group", "groups and their members"))
    _add_allocations(_group(commands, "allocation", "containers with a quota"))
    return parser


def _group(commands: "Commands", name: str, purpose: str) -> "Commands":
    parser = commands.add_parser(name, help=purpose, description=f"Administer {purpose}.")
    return parser.add_subparsers(metavar="COMMAND", required=True)


def _command(
    commands: "Commands",
    name: str,
    *,
    handler: str,
    purpose: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command that works on a space: with the options that say which."""
    parser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"example:\n  {PROGRAM} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    place = parser.add_argument_group("which space")
    place.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    place.add_argument("--data-dir", metavar="DIR", dest="data_dir", help="data directory")
    place.add_argument("--database-url", metavar="URL", dest="database.url", help="database")
    place.add_argument("--storage-url", metavar="URL", dest="storage.url", help="object store")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.set_defaults(handler=handler)
    return parser


def _add_serving(commands: "Commands") -> None:
    serve = _command(
        commands,
        "serve",
        handler="serve:serve",
        purpose="serve a space until it is told to stop (SIGTERM, Ctrl-C)",
        example="serve --data-dir /srv/space --host 0.0.0.0 --port 8080",
    )
    _add_listening(serve.add_argument_group("where to listen"))
    _command(
        commands,
        "upgrade",
        handler="care:upgrade",
        purpose="make the database's tables or bring them to the newest schema",
        example="upgrade --database-url postgresql+psycopg://vospace@db/vospace",
    )
    config = _group(commands, "config", "the configuration")
    _command(
        config,
        "show",
        handler="configuration:show",
        purpose="print every setting, its value and where it comes from",
        example="config show --config /etc/vospace/server.toml",
    )
    _command(
        config,
        "check",
        handler="configuration:check",
        purpose="say whether the configuration can be used",
        example="config check --config /etc/vospace/server.toml",
    )


def _add_listening(listen: "Options") -> None:
    listen.add_argument(
        "--host", dest="server.host", metavar="ADDRESS", help="default 127.0.0.1"
    )
    listen.add_argument("--port", dest="server.port", help="default 8080; 0: any free one")
    listen.add_argument("--workers", dest="server.workers", metavar="N", help="processes, 1")
    listen.add_argument("--tls-cert", dest="server.tls_cert", metavar="FILE", help="PEM chain")
    listen.add_argument("--tls-key", dest="server.tls_key", metavar="FILE", help="PEM key")
    listen.add_argument(
        "--tls-client-ca",
        dest="server.tls_client_ca",
        metavar="FILE",
        help="authorities of client certificates (PEM file or directory), besides our own",
    )
    listen.add_argument(
        "--tls-port",
        dest="server.tls_port",
        metavar="PORT",
        help="TLS on a second port, beside plain HTTP",
    )


def _add_care(commands: "Commands") -> None:
    _command(
        commands,
        "doctor",
        handler="doctor:examine",
        purpose="look for what is wrong with the place the space lives in",
        example="doctor --data-dir /srv/space",
    )
    fsck = _command(
        commands,
        "fsck",
        handler="care:fsck",
        purpose="compare database and stored bytes; exits 1 if they differ",
        example="fsck --data-dir /srv/space --repair",
    )
    fsck.add_argument("--repair", action="store_true", help="put right what can be")
    fsck.add_argument("--quick", action="store_true", help="compare lengths, read no bytes")
    collect = _command(
        commands,
        "gc",
        handler="care:collect_garbage",
        purpose="delete stored bytes that no node refers to any more",
        example="gc --data-dir /srv/space --grace 24h",
    )
    collect.add_argument(
        "--grace", default="24h", metavar="TIME", help="spare what is younger (24h, 90m, 7d)"
    )


def _add_state(commands: "Commands") -> None:
    state = _command(
        commands,
        "state",
        handler="state:state",
        purpose="show or change what the service does at all, in every process within a second",
        example="state read-only --data-dir /srv/space",
    )
    state.add_argument(
        "mode",
        metavar="STATE",
        nargs="?",
        choices=("read-write", "read-only", "offline"),
        help="read-write, read-only or offline; without it the present one is shown",
    )
    key = _command(
        _group(commands, "key", "the key that signs addresses for bytes"),
        "rotate",
        handler="state:rotate_key",
        purpose="sign addresses for bytes (pre-authorised URLs) with a new key",
        example="key rotate --data-dir /srv/space",
    )
    key.add_argument(
        "--at-once",
        action="store_true",
        help="the old key has become known: nothing that it signed is good any more",
    )
    authority = _group(commands, "ca", "our own certificate authority")
    _command(
        authority,
        "show",
        handler="state:show_authority",
        purpose="print the certificate by which others believe those of our users",
        example="ca show --data-dir /srv/space > /etc/grid-security/certificates/space.pem",
    )


def _add_users(commands: "Commands") -> None:
    add = _command(
        commands,
        "add",
        handler="users:add",
        purpose="add a user; asks for the password",
        example="user add durand --admin --data-dir /srv/space",
    )
    add.add_argument("name", metavar="NAME")
    secret = add.add_mutually_exclusive_group()
    secret.add_argument("--password-stdin", action="store_true", help="read it from a line")
    secret.add_argument("--no-password", action="store_true", help="tokens, certificates only")
    add.add_argument("--dn", action="append", default=[], help="X.509 name (may be repeated)")
    add.add_argument("--email", metavar="ADDRESS", help="also for memberships by e-mail")
    add.add_argument("--admin", action="store_true", help="may do everything")
    _command(
        commands,
        "list",
        handler="users:show_all",
        purpose="list the users",
        example="user list --data-dir /srv/space",
    )
    for name, purpose in (("disable", "shut a user out"), ("enable", "let a user in again")):
        change = _command(
            commands,
            name,
            handler=f"users:{name}",
            purpose=f"{purpose}, at once and everywhere",
            example=f"user {name} durand --data-dir /srv/space",
        )
        change.add_argument("name", metavar="NAME")
    _add_secrets(commands)
    _add_identities(commands)


def _add_identities(commands: "Commands") -> None:
    known = _command(
        commands,
        "identity",
        handler="users:identity",
        purpose="show or change by what else a user is known",
        example="user identity durand --add-dn '/C=CA/O=Grid/CN=Durand' --data-dir /srv/space",
    )
    known.add_argument("name", metavar="NAME")
    for word in ("add", "remove"):
        known.add_argument(
            f"--{word}-dn", metavar="DN", action="append", default=[], help="X.509 name"
        )
        known.add_argument(
            f"--{word}-oidc",
            metavar=("ISSUER", "SUBJECT"),
            nargs=2,
            action="append",
            default=[],
            help="who the user is to an OpenID issuer",
        )


def _add_secrets(commands: "Commands") -> None:
    password = _command(
        commands,
        "password",
        handler="users:set_password",
        purpose="set a user's password; asks for it",
        example="user password durand --data-dir /srv/space",
    )
    password.add_argument("name", metavar="NAME")
    password.add_argument("--password-stdin", action="store_true", help="read it from a line")
    token = _command(
        commands,
        "token",
        handler="users:token",
        purpose="make a token for a user (printed alone on the last line)",
        example="user token durand --scope read --days 7 --data-dir /srv/space | tail -1",
    )
    token.add_argument("name", metavar="NAME")
    token.add_argument(
        "--scope",
        default="write",
        help="read, write or admin; below a path: 'read:/hst-refer write:/durand/work'; "
        "default write",
    )
    token.add_argument("--days", type=float, default=30.0, metavar="N", help="life; default 30")
    instead = token.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="list the user's tokens instead")
    instead.add_argument("--revoke", type=int, metavar="NUMBER", help="end one instead")


def _add_groups(commands: "Commands") -> None:
    add = _command(
        commands,
        "add",
        handler="groups:add",
        purpose="add a group",
        example="group add HST-RO --owner durand --data-dir /srv/space",
    )
    add.add_argument("name", metavar="NAME")
    add.add_argument("--owner", metavar="USER", required=True, help="who administers it")
    add.add_argument("--description", metavar="TEXT", default="", help="what it is for")
    _command(
        commands,
        "list",
        handler="groups:show_all",
        purpose="list the groups",
        example="group list --data-dir /srv/space",
    )
    show = _command(
        commands,
        "show",
        handler="groups:show",
        purpose="show a group and its members",
        example="group show HST-RO --data-dir /srv/space",
    )
    show.add_argument("name", metavar="NAME")
    delete = _command(
        commands,
        "delete",
        handler="groups:delete",
        purpose="end a group for ever; its name is never given again",
        example="group delete HST-RO --data-dir /srv/space",
    )
    delete.add_argument("name", metavar="NAME")
    _add_people_of_groups(commands)


def _add_people_of_groups(commands: "Commands") -> None:
    who = "a user, e-mail address, X.509 name or group URI; or user:, dn:, email:, group: first"
    for word, role, doing in (
        ("add", "member", "add a member to"),
        ("remove", "member", "remove a member from"),
        ("add", "admin", "let somebody administer"),
        ("remove", "admin", "let somebody no longer administer"),
    ):
        change = _command(
            commands,
            f"{word}-{role}",
            handler=f"groups:{word}_{role}",
            purpose=f"{doing} a group",
            example=f"group {word}-{role} HST-RO durand --data-dir /srv/space",
        )
        change.add_argument("name", metavar="NAME")
        change.add_argument("member", metavar=role.upper(), help=who)
        if (word, role) == ("add", "member"):
            change.add_argument("--days", type=float, metavar="N", help="only for so long")


def _add_allocations(commands: "Commands") -> None:
    add = _command(
        commands,
        "add",
        handler="allocations:add",
        purpose="add a container with a quota, owned by a user",
        example="allocation add durand --owner durand --quota 10GiB --data-dir /srv/space",
    )
    add.add_argument("path", metavar="PATH")
    add.add_argument("--owner", metavar="USER", required=True)
    _add_quota(add)
    _command(
        commands,
        "list",
        handler="allocations:show_all",
        purpose="list the allocations and how full they are",
        example="allocation list --data-dir /srv/space",
    )
    change = _command(
        commands,
        "set",
        handler="allocations:set_quota",
        purpose="change the quota of an allocation",
        example="allocation set durand --quota 20GiB --data-dir /srv/space",
    )
    change.add_argument("path", metavar="PATH")
    _add_quota(change)


def _add_quota(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quota", metavar="SIZE", required=True, help="such as 10GiB; none: no limit"
    )


def settings_of(arguments: argparse.Namespace) -> dict[str, object]:
    """The options that are settings of the server, by `section.key`; None is "not given"."""
    given = vars(arguments)
    return {name: given[name] for name in given if "." in name or name == "data_dir"}


__all__: Sequence[str] = ("PROGRAM", "build_parser", "settings_of")
