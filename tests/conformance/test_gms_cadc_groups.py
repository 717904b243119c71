"""The unmodified `cadc-groups` of CADC against a real server (contract 3.3)."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.space import Space, User


class GroupsClient:
    """Runs the command with a home directory of its own."""

    def __init__(self, home: Path, root_url: str, user: User) -> None:
        self._home = home
        self._user = user
        registry = home / ".config" / "cadc-registry" / "resource-caps"
        registry.parent.mkdir(parents=True)
        registry.write_text(f"ivo://cadc.nrc.ca/gms = {root_url}/gms/capabilities\n")
        # Its time lies in the future, so that the client never asks the real registry.
        os.utime(registry, (2**31 - 1, 2**31 - 1))

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("cadc-groups")),
                command,
                "--token",
                self._user.token,
                *words,
            ],
            env={"HOME": str(self._home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, command: str, *words: str) -> str:
        done = self.run(command, *words)
        assert done.returncode == 0, f"{command} {words}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture
def groups(tmp_path: Path, shared_space: Space) -> GroupsClient:
    return GroupsClient(tmp_path / "home", shared_space.server.root_url, shared_space.owner)


def test_a_group_lives_from_its_making_to_its_end(groups: GroupsClient) -> None:
    """Contract 5 row 85: create, get, list and remove of the real client."""
    name = f"g-{secrets.token_hex(5)}"

    groups.ok("create", "--description", "All staff", name)

    shown = groups.ok("get", name)
    assert f"ID: {name}" in shown
    assert "Description: All staff" in shown
    assert "Owner: cn=durand,o=localhost" in shown
    assert "durand (cn=durand,o=localhost)" in shown
    for words in ((), ("--role", "owner"), ("--role", "member")):
        assert name in groups.ok("list", *words).split()
    assert name not in groups.ok("list", "--role", "admin").split()

    groups.ok("remove", name)
    assert groups.run("get", name).returncode != 0


def test_members_come_and_go(groups: GroupsClient, owner: httpx.Client) -> None:
    """Contract 5 row 85: members by name, certificate and group, removed and cleared."""
    name = f"g-{secrets.token_hex(5)}"
    groups.ok("create", name)

    groups.ok("members", "--add-user", "member", name)
    groups.ok("members", "--add-user", "cn=cy,o=grid", name)
    groups.ok("members", "--add-group", "HST-RO", name)

    shown = groups.ok("members", name)
    for line in ("member (cn=member,o=localhost)", "cn=cy,o=grid (cn=cy,o=grid)", "HST-RO"):
        assert line in shown
    groups.ok("members", "--remove-user", "cn=cy,o=grid", name)
    groups.ok("members", "--remove-group", "HST-RO", name)
    shown = groups.ok("members", name)
    assert "HST-RO" not in shown
    assert "cy" not in shown
    groups.ok("members", "--clear", name)
    assert "durand" not in groups.ok("members", name)


def test_administrators_come_and_go(
    groups: GroupsClient, member: httpx.Client, shared_space: Space
) -> None:
    """Contract 5 row 86: administrators, for which the client posts the whole group."""
    name = f"g-{secrets.token_hex(5)}"
    groups.ok("create", name)

    groups.ok("admins", "--add-user", "member", name)
    groups.ok("admins", "--add-group", "HST-RO", name)

    shown = groups.ok("admins", name)
    assert "member (cn=member,o=localhost)" in shown
    assert "HST-RO" in shown
    assert member.put(f"/gms/groups/{name}/userMembers/stranger").status_code == 200
    groups.ok("admins", "--remove-user", "member", name)
    groups.ok("admins", "--remove-group", "HST-RO", name)
    assert member.get(f"/gms/groups/{name}").status_code == 403
    # What the client posts back whole is still there.
    assert "stranger" in groups.ok("members", name)
