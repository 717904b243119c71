"""A real nginx with the configuration of `deploy/`, in front of whatever a test puts behind."""

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme

from tests.support.postgres import free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
START_SECONDS = 10

AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/vospace.conf;
}}
"""


class NginxMissingError(Exception):
    """nginx is not installed; a test that needs it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """A running nginx: where it answers, whom a client must trust, where it would spool."""

    port: int
    trust: ssl.SSLContext
    folder: Path

    @property
    def url(self) -> str:
        """The address of the host: `https://localhost:PORT`."""
        return f"https://localhost:{self.port}"

    def client(self, headers: dict[str, str] | None = None) -> httpx.Client:
        """An HTTP client that trusts this nginx and no other."""
        return httpx.Client(base_url=self.url, verify=self.trust, headers=headers, timeout=60)

    def spooled(self) -> list[Path]:
        """The bodies that nginx keeps in files at this moment."""
        return [path for path in self.folder.glob("*/**/*") if path.is_file()]


def configured(upstream_port: int, port: int, folder: Path) -> str:
    """The file of `deploy/` with this machine's addresses; each must stand there once."""
    text = CONFIGURATION.read_text()
    for said, here in (
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream_port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/space.pem", f"{folder}/chain.pem"),
        ("/etc/ssl/private/space.key", f"{folder}/key.pem"),
    ):
        text, times = re.subn(re.escape(said), here, text)
        assert times == 1, said
    return text


def start(folder: Path, upstream_port: int, stack: ExitStack) -> Nginx:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise NginxMissingError("nginx is not on this machine: apt-get install nginx-light")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    nginx = Nginx(port=free_port(), trust=ssl.create_default_context(), folder=folder)
    authority.configure_trust(nginx.trust)
    (folder / "vospace.conf").write_text(configured(upstream_port, nginx.port, folder))
    # Started by root, its workers would give up root and then not reach their folders.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", program, "-p", folder, "-c", folder / "nginx.conf"],
        stderr=subprocess.PIPE,
    )
    stack.callback(stop, process)
    await_answer(process, nginx.port)
    return nginx


def await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # To plain HTTP it answers that TLS is wanted.
            httpx.get(f"http://127.0.0.1:{port}/", timeout=2)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    raise AssertionError(f"nginx did not start: {process.communicate()[1].decode()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """The master takes its workers along when it is asked to end."""
    process.terminate()
    process.communicate(timeout=START_SECONDS)


@contextmanager
def running_nginx(folder: Path, upstream_port: int) -> Iterator[Nginx]:
    """An nginx in an empty folder of its own, in front of a port of this machine.

    Raises NginxMissingError, which names the package to install.
    """
    with ExitStack() as stack:
        yield start(folder, upstream_port, stack)
