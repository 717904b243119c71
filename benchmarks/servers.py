"""The servers of the peers, each on a loopback port, serving the folder of the data set."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import free_port, running, wait_until_listening

NGINX_DAV_MODULE = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
S3_ACCESS_KEY = "benchmark"
S3_SECRET_KEY = "loopback-only"  # noqa: S105 - guards nothing: loopback, for one run
S3_BUCKET = "space"

NGINX_CONFIGURATION = """\
{load_module}
daemon off;
worker_processes 1;
{user}
pid {state}/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  client_body_temp_path {state}/bodies;
  proxy_temp_path {state}/proxy;
  fastcgi_temp_path {state}/fastcgi;
  uwsgi_temp_path {state}/uwsgi;
  scgi_temp_path {state}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    dav_methods PUT DELETE MKCOL COPY MOVE;
    {dav_methods}
    create_full_put_path on;
  }}
}}
"""

SSHD_CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {state}/host_key
AuthorizedKeysFile {state}/user_key.pub
PidFile {state}/sshd.pid
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A running server: its port, its process, and the folder of its keys and logs."""

    port: int
    state: Path
    pid: int | None = None


def rclone_program() -> str | None:
    """The rclone of this environment, else the one of the system."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


@contextmanager
def nginx(root: Path, state: Path) -> Iterator[Endpoint]:
    """Nginx with WebDAV over the folder; PROPFIND too where its module is installed."""
    port = free_port()
    configuration = state / "nginx.conf"
    has_module = NGINX_DAV_MODULE.exists()
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            load_module=f"load_module {NGINX_DAV_MODULE};" if has_module else "",
            dav_methods="dav_ext_methods PROPFIND OPTIONS;" if has_module else "",
            user="user root;",
            state=state,
            port=port,
            root=root,
        ),
        encoding="utf-8",
    )
    log = state / "nginx.log"
    with running(["nginx", "-c", configuration, "-p", state], log=log) as process:
        wait_until_listening(process, port, log)
        yield Endpoint(port=port, state=state)


@contextmanager
def sshd(root: Path, state: Path) -> Iterator[Endpoint]:
    """An SSH server of our own with keys made for this run; it serves the whole disk."""
    del root
    # The server's privilege separation wants this folder, which its service unit makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for key in ("host_key", "user_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", state / key], check=True
        )
    port = free_port()
    configuration = state / "sshd_config"
    configuration.write_text(
        SSHD_CONFIGURATION.format(port=port, state=state), encoding="utf-8"
    )
    log = state / "sshd.log"
    with running(["/usr/sbin/sshd", "-D", "-e", "-f", configuration], log=log) as process:
        wait_until_listening(process, port, log)
        yield Endpoint(port=port, state=state)


@contextmanager
def rclone_s3(root: Path, state: Path) -> Iterator[Endpoint]:
    """`rclone serve s3`, with the folder as its one bucket."""
    buckets = state / "buckets"
    buckets.mkdir()
    (buckets / S3_BUCKET).symlink_to(root)
    port = free_port()
    log = state / "serve-s3.log"
    command: list[str | Path] = [
        rclone_program() or "rclone",
        *("serve", "s3", buckets, "--copy-links", "--addr", f"127.0.0.1:{port}"),
        *("--auth-key", f"{S3_ACCESS_KEY},{S3_SECRET_KEY}", "--config", "/dev/null"),
    ]
    with running(command, log=log) as process:
        wait_until_listening(process, port, log)
        yield Endpoint(port=port, state=state)
