"""The `vos` and `cadcutils` commands as their users have them, in a home of their own.

They find our server by the cache of their registry (contract 0.1); nothing of them is changed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.space import User

PROGRAMS = Path(sys.executable).parent
# A cache that is dated in the future is never fetched again.
_FAR_FUTURE = 2_082_758_400


@dataclass(frozen=True, kw_only=True)
class VosClient:
    """The commands of the clients, run in `home` with the credentials in `words`."""

    home: Path
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def led_to(cls, url: str, home: Path, service: str = "vault") -> "VosClient":
        """A client whose registry knows the service at `url` and nothing else; anonymous."""
        registry = home / ".config" / "cadc-registry" / "resource-caps"
        registry.parent.mkdir(parents=True, exist_ok=True)
        registry.write_text(f"ivo://localhost/{service} = {url}/capabilities\n")
        os.utime(registry, (_FAR_FUTURE, _FAR_FUTURE))
        return cls(home=home)

    def with_token(self, user: User) -> "VosClient":
        """The same client, given a token on its command line."""
        return VosClient(
            home=self.home,
            words=("--token", user.token, *self.words),
            environment=self.environment,
        )

    def with_netrc(self, user: User, url: str) -> "VosClient":
        """The same client, which finds a password for the server's host in its ~/.netrc."""
        netrc = self.home / ".netrc"
        host = urlsplit(url).hostname
        netrc.write_text(f"machine {host} login {user.name} password {user.password}\n")
        netrc.chmod(0o600)
        return self

    def run(
        self, program: str, *words: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; nothing is said of how it ends."""
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            # The client itself warns of its own dependencies.
            "PYTHONWARNINGS": "ignore",
            **self.environment,
        }
        return subprocess.run(
            [str(PROGRAMS / program), *self.words, *words],
            env=environment,
            text=True,
            input=stdin,
            capture_output=True,
            timeout=90,
            check=False,
        )

    def __call__(self, program: str, *words: str) -> str:
        """Run a command that must succeed; gives what it printed."""
        done = self.run(program, *words)
        assert done.returncode == 0, f"{program} {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, program: str, *words: str, code: int) -> str:
        """Run a command that must end with this exit code; gives all that it said.

        A failure is a sentence: never a traceback.
        """
        done = self.run(program, *words)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{program} {words}: {done.returncode} {said}"
        assert "Traceback" not in said
        return said
