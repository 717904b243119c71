"""Users, groups, allocations and settings on the command line; what it says when it can't."""

import os
import pty
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.vospace_server.cli.conftest import Program, environment, run_program
from vospace_server.cli import _handler
from vospace_server.commands.arguments import build_parser

ALL_COMMANDS = [
    ("serve",),
    ("upgrade",),
    ("config", "show"),
    ("config", "check"),
    ("doctor",),
    ("fsck",),
    ("gc",),
    ("state",),
    ("key", "rotate"),
    ("ca", "show"),
    ("user", "add"),
    ("user", "list"),
    ("user", "disable"),
    ("user", "enable"),
    ("user", "password"),
    ("user", "token"),
    ("group", "add"),
    ("group", "list"),
    ("group", "show"),
    ("group", "add-member"),
    ("group", "remove-member"),
    ("group", "add-admin"),
    ("group", "remove-admin"),
    ("group", "delete"),
    ("allocation", "add"),
    ("allocation", "list"),
    ("allocation", "set"),
]


@pytest.mark.parametrize("command", ALL_COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args([*command, "--help"])

    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"example:\n  vospace-server {' '.join(command)}" in shown


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["upgrade"],
        ["config", "show"],
        ["config", "check"],
        ["doctor"],
        ["fsck"],
        ["gc"],
        ["user", "add", "x"],
        ["user", "list"],
        ["user", "disable", "x"],
        ["user", "enable", "x"],
        ["user", "password", "x"],
        ["user", "token", "x"],
        ["group", "add", "x", "--owner", "y"],
        ["group", "list"],
        ["group", "show", "x"],
        ["group", "add-member", "x", "y"],
        ["group", "remove-member", "x", "y"],
        ["group", "add-admin", "x", "y"],
        ["group", "remove-admin", "x", "y"],
        ["group", "delete", "x"],
        ["allocation", "add", "x", "--owner", "y", "--quota", "1"],
        ["allocation", "list"],
        ["allocation", "set", "x", "--quota", "1"],
    ],
    ids=" ".join,
)
def test_every_command_has_a_function(words: list[str]) -> None:
    assert callable(_handler(build_parser().parse_args(words).handler))


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom vospace_server.cli import build_parser\n"
        "build_parser().format_help()\n"
        "heavy = ('sqlalchemy', 'uvicorn', 'starlette', 'argon2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_first_administrator_is_made_on_an_empty_directory(
    program: Program, data_dir: Path
) -> None:
    done = program(
        "user", "add", "ann", "--admin", "--password-stdin", "--dn", "/C=CA/CN=Ann",
        stdin="secret-12\n",
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "added user ann (administrator)\n  cn=ann,c=ca\n"
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "vospace.sqlite").stat().st_mode) == 0o600


def test_users_are_listed_with_their_state(furnished: Program) -> None:
    furnished("user", "add", "bob", "--no-password", "--email", "bob@example.org")
    furnished("user", "disable", "bob")

    lines = furnished("user", "list").stdout.splitlines()

    assert lines[0].split() == ["NAME", "STATE", "SINCE", "KNOWN", "AS"]
    assert lines[1].split()[:2] == ["ann", "ok"]
    assert lines[2].startswith("bob   disabled, no password  ")
    assert lines[2].endswith("bob@example.org")


def test_a_token_stands_alone_on_the_last_line(furnished: Program) -> None:
    done = furnished("user", "token", "ann", "--scope", "read", "--days", "7")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith("token 1 of ann: scope read, until ")
    assert lines[-1].startswith("vost_")
    assert " " not in lines[-1]


def test_a_token_may_be_for_one_folder(furnished: Program) -> None:
    scope = "write:/team/a%20b read:/hst-refer/"
    done = furnished("user", "token", "ann", "--scope", scope)
    listed = furnished("user", "token", "ann", "--list").stdout

    shown = "read:/hst-refer write:/team/a%20b"
    assert done.stdout.startswith(f"token 1 of ann: scope {shown}, until ")
    assert shown in listed


def test_tokens_are_listed_and_revoked(furnished: Program) -> None:
    furnished("user", "token", "ann")

    revoked = furnished("user", "token", "ann", "--revoke", "1")
    listed = furnished("user", "token", "ann", "--list").stdout.splitlines()

    assert revoked.stdout == "revoked token 1 of ann\n"
    assert listed[1].split()[:3] == ["1", "write", "revoked"]


def test_a_group_shows_its_members(furnished: Program) -> None:
    furnished("group", "add", "g2", "--owner", "ann", "--description", "the second")
    furnished("group", "add-member", "g1", "ann")
    furnished("group", "add-member", "g1", "/C=CA/CN=Bob", "--days", "3")
    added = furnished("group", "add-member", "g1", "group:g2")

    shown = furnished("group", "show", "g1").stdout.splitlines()

    assert added.stdout == "added group:g2 to g1\n"
    assert shown[0] == "ivo://localhost/gms?g1"
    assert shown[1].startswith("owner ann, changed ")
    assert [line.split()[:2] for line in shown[3:]] == [
        ["dn", "cn=bob,c=ca"],
        ["group", "ivo://localhost/gms?g2"],
        ["user", "ann"],
    ]


def test_a_group_gets_an_administrator_and_an_end(furnished: Program) -> None:
    furnished("group", "add-admin", "g1", "ann")
    shown = furnished("group", "show", "g1").stdout.splitlines()
    removed = furnished("group", "remove-admin", "g1", "ann")
    deleted = furnished("group", "delete", "g1")

    assert shown[-1].split() == ["user", "ann"]
    assert removed.stdout == "ann does not administer g1 any more\n"
    assert deleted.stdout == "deleted g1; its name stays taken\n"
    assert furnished("group", "list").stdout.splitlines()[1:] == []
    again = furnished("group", "add", "g1", "--owner", "ann")
    assert "there is (or was) a group 'g1' already" in again.stderr


def test_a_member_is_removed(furnished: Program) -> None:
    furnished("group", "add-member", "g1", "ann")

    done = furnished("group", "remove-member", "g1", "ann")

    assert done.stdout == "removed ann from g1\n"
    assert len(furnished("group", "show", "g1").stdout.splitlines()) == 3


def test_an_allocation_is_added_with_the_containers_above_it(furnished: Program) -> None:
    added = furnished("allocation", "add", "teams/hst", "--owner", "ann", "--quota", "1.5GiB")
    changed = furnished("allocation", "set", "/teams/hst", "--quota", "none")
    listed = furnished("allocation", "list").stdout.splitlines()

    assert added.stdout == (
        "made /teams, a public container that belongs to nobody\n"
        "added allocation /teams/hst: owner ann, quota 1.5 GiB, used 0 B\n"
    )
    assert changed.stdout == "allocation /teams/hst: owner ann, quota none, used 0 B\n"
    assert listed[0].split() == ["PATH", "OWNER", "QUOTA", "USED", "FILES"]
    assert listed[1].split() == ["/teams/hst", "ann", "none", "0", "B", "0"]


def test_settings_are_shown_with_their_origin_and_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(f'data_dir = "{tmp_path}"\n[database]\nurl = "sqlite:////hidden"\n')

    done = run_program("config", "show", "--config", str(file), VOSPACE_SERVER_PORT="81")

    assert "port = 81  # VOSPACE_SERVER_PORT\n" in done.stdout
    assert 'host = "127.0.0.1"  # default\n' in done.stdout
    assert f'url = "(hidden)"  # database.url in {file}\n' in done.stdout
    assert "# tls_cert is not set\n" in done.stdout
    assert "/hidden" not in done.stdout


def test_a_good_configuration_is_called_good(program: Program) -> None:
    done = program("config", "check")

    assert done.stdout == "the configuration is good (1 settings differ from the defaults)\n"


def test_the_password_is_asked_for_twice_on_a_terminal(data_dir: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vospace_server", "user", "add", "ann", "--data-dir", data_dir],
        stdin=slave, stdout=slave, stderr=slave, env=environment(), start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    for prompt in (b"password for ann: ", b"the same again: "):
        while prompt not in shown:
            shown += os.read(master, 1000)
        os.write(master, b"secret-12\n")
    process.wait(30)
    shown += os.read(master, 1000)
    os.close(master)

    assert process.returncode == 0
    assert b"added user ann" in shown
    assert b"secret-12" not in shown


_GROUP_NAMES = (
    "use 1 to 255 letters, digits, dot, dash, underscore and tilde, and not . or .. alone"
)
_USER_NAMES = (
    "use 1 to 64 letters, digits, dot, dash and underscore, and begin with a letter, a digit "
    "or an underscore"
)

MISUSE = [
    ([], "the following arguments are required: COMMAND (see vospace-server --help)"),
    (["sere"], "argument COMMAND: invalid choice: 'sere' "),
    (
        ["user", "add"],
        "the following arguments are required: NAME (see vospace-server user add --help)",
    ),
    (
        ["user", "token", "ann", "--scope", "all"],
        "--scope: unknown scope 'all'; it must be one of read, write, admin, or read or write ",
    ),
    (
        ["user", "token", "ann", "--scope", "read:hst-refer"],
        "--scope: the path of the scope 'read:hst-refer' must begin with a slash",
    ),
    (["serve", "--prot", "1"], "unrecognized arguments: --prot 1 (see vospace-server --help)"),
    (["user", "list"], "no place is given: use --data-dir DIR, the variable VOSPACE_DATA_DIR"),
    (
        ["serve", "--data-dir", "/nowhere", "--port", "x"],
        "--port must be a whole number, not 'x'",
    ),
    (
        ["user", "list", "--database-url", "nonsense"],
        "Could not parse SQLAlchemy URL from given URL string",
    ),
    (
        ["user", "list", "--database-url", "foo://h/d"],
        "Can't load plugin: sqlalchemy.dialects:foo",
    ),
]


@pytest.mark.parametrize(("words", "message"), MISUSE)
def test_misuse_is_one_line_and_status_2(words: list[str], message: str) -> None:
    done = run_program(*words)

    assert done.stderr.startswith(f"vospace-server: {message}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


FAILURES = [
    (["user", "add", "ann", "--password-stdin"], "there is a user 'ann' already"),
    (
        ["user", "add", "bob", "--no-password", "--dn", "bob"],
        "'bob' is not a distinguished name; write /C=CA/O=Grid/CN=Name or CN=Name,O=Grid,C=CA",
    ),
    (["user", "add", "bob", "--no-password", "--email", "x"], "'x' is not an e-mail address"),
    (["user", "disable", "bob"], "there is no user 'bob'"),
    (["user", "token", "bob"], "there is no user 'bob'"),
    (["user", "token", "ann", "--revoke", "9"], "'ann' has no token number 9"),
    (
        ["user", "token", "ann", "--days", "0"],
        "a token must live longer than no time at all",
    ),
    (["group", "add", "g1", "--owner", "ann"], "there is (or was) a group 'g1' already"),
    (["group", "add", "g2", "--owner", "bob"], "there is no user 'bob'"),
    (
        ["group", "add", "g/2", "--owner", "ann"],
        f"'g/2' can't be a group name: {_GROUP_NAMES}",
    ),
    (["group", "show", "g2"], "there is no group 'g2'"),
    (["group", "show", "ivo://other/gms?g1"], "there is no group 'ivo://other/gms?g1'"),
    (["group", "add-member", "g1", "bob"], "there is no user 'bob'"),
    (
        ["group", "add-member", "g1", "group:g2"],
        "there is no group 'ivo://localhost/gms?g2'",
    ),
    (["group", "remove-member", "g1", "ann"], "'ann' is not a member of 'g1'"),
    (["group", "remove-member", "g1", "user:ann"], "'ann' is not a member of 'g1'"),
    (["group", "remove-admin", "g1", "user:ann"], "'ann' does not administer 'g1'"),
    (
        ["allocation", "add", "a", "--owner", "bob", "--quota", "1G"],
        "there is no user 'bob'",
    ),
    (["allocation", "set", "/a", "--quota", "1G"], "ContainerNotFound: /a"),
]


@pytest.mark.parametrize(("words", "message"), FAILURES)
def test_a_failure_is_one_line_and_status_1(
    furnished: Program, words: list[str], message: str
) -> None:
    done = furnished(*words, stdin="secret-12\n")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"vospace-server: {message}\n"


@pytest.mark.parametrize(
    ("words", "stdin", "status", "message"),
    [
        (
            ["user", "add", "a b", "--password-stdin"],
            "secret-12\n",
            1,
            f"'a b' can't be a user name: {_USER_NAMES}",
        ),
        (
            ["user", "add", "ann", "--password-stdin"],
            "short\n",
            1,
            "the password is too short: it needs at least 8 characters",
        ),
        (
            ["user", "add", "ann"],
            "",
            2,
            "there is no terminal to ask for the password on; use --password-stdin",
        ),
        (["user", "list"], "", 1, "there is no space in {data_dir}; "),
        (
            ["allocation", "add", "a", "--owner", "ann", "--quota", "lots"],
            "",
            2,
            "'lots' is not a size; write bytes, or a unit as in 500MB or 10GiB",
        ),
    ],
)
def test_bad_values_are_refused_before_anything_is_made(
    program: Program, data_dir: Path, words: list[str], stdin: str, status: int, message: str
) -> None:
    done = program(*words, stdin=stdin)

    assert done.stderr.startswith("vospace-server: " + message.format(data_dir=data_dir))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert not data_dir.exists()


def test_an_unreachable_database_is_one_line() -> None:
    done = run_program("user", "list", "--database-url", "postgresql+psycopg://127.0.0.1:1/d")

    assert done.returncode == 1
    assert done.stderr.startswith("vospace-server: the database can't be used: ")
    assert done.stderr.count("\n") == 1


def test_a_database_of_a_newer_version_is_left_alone(
    furnished: Program, data_dir: Path
) -> None:
    with closing(sqlite3.connect(data_dir / "vospace.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    done = furnished("user", "list")

    assert done.returncode == 1
    assert "the database has schema 9999, which a newer version has made" in done.stderr
    assert done.stderr.count("\n") == 1


def test_debug_shows_the_traceback(program: Program) -> None:
    done = program("user", "list", "--debug")

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")


def test_a_reader_that_has_seen_enough_is_no_failure(
    furnished: Program, data_dir: Path
) -> None:
    command = f"{sys.executable} -m vospace_server user list --data-dir {data_dir} | true"

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True, text=True, timeout=60, check=False, env=environment(),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_a_key_that_is_known_to_others_signs_nothing_any_more(
    furnished: Program, data_dir: Path
) -> None:
    first = furnished("key", "rotate")
    second = furnished("key", "rotate", "--at-once")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "good no more" in second.stdout
    with closing(sqlite3.connect(data_dir / "vospace.sqlite")) as database:
        ends = [
            end
            for (end,) in database.execute(
                "SELECT retired_at FROM secret WHERE name = 'ticket' ORDER BY id"
            )
        ]
    # The one that went first does not outlive the one that replaced it.
    assert len(ends) == 2
    assert ends[0] is not None
    assert ends[1] is None
