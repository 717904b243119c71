"""The ways to reach the files: each peer's mount, and the local disk as the limit of all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.mounting import Client, MountPlan, no_server
from benchmarks.servers import (
    S3_ACCESS_KEY,
    S3_BUCKET,
    S3_SECRET_KEY,
    Endpoint,
    nginx,
    rclone_program,
    rclone_s3,
    sshd,
)
from benchmarks.vospace import (
    download_command,
    flush_command,
    mount_command,
    vospace_server,
    writeback_command,
)

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def rclone_command(plan: MountPlan) -> list[str | Path]:
    """Rclone over WebDAV, with its full cache and uploads that start at the close."""
    return [
        rclone_program() or "rclone",
        *("mount", ":webdav:", plan.mountpoint),
        *("--webdav-url", f"http://127.0.0.1:{plan.port}/", "--webdav-vendor", "other"),
        *("--vfs-cache-mode", "full", "--vfs-write-back", "0s", "--dir-cache-time", "10s"),
        *("--cache-dir", plan.cache, "--config", "/dev/null"),
    ]


def sshfs_command(plan: MountPlan) -> list[str | Path]:
    """Sshfs with the kernel's cache kept; it has no cache of its own."""
    options = [
        "kernel_cache",
        f"port={plan.port}",
        f"IdentityFile={plan.state / 'user_key'}",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
    ]
    return [
        "sshfs",
        "-f",
        f"root@127.0.0.1:{plan.root}",
        plan.mountpoint,
        "-o",
        ",".join(options),
    ]


def s3fs_command(plan: MountPlan) -> list[str | Path]:
    """s3fs with its cache on disk, on `rclone serve s3`."""
    passwords = plan.state / "passwd-s3fs"
    passwords.write_text(f"{S3_ACCESS_KEY}:{S3_SECRET_KEY}\n", encoding="ascii")
    passwords.chmod(0o600)
    options = [
        f"url=http://127.0.0.1:{plan.port}",
        "use_path_request_style",
        f"passwd_file={passwords}",
        f"use_cache={plan.cache}",
    ]
    return ["s3fs", S3_BUCKET, plan.mountpoint, "-f", "-o", ",".join(options)]


def nginx_download(endpoint: Endpoint, name: str) -> list[str | Path]:
    """Curl of one file from nginx."""
    return ["curl", "-fsS", f"http://127.0.0.1:{endpoint.port}/{name}"]


def needs(*programs: str) -> Callable[[], str | None]:
    """A check that every program is installed, which names the first that is not."""

    def missing() -> str | None:
        for name in programs:
            found = (
                rclone_program() if name == "rclone" else shutil.which(name, path=SYSTEM_PATH)
            )
            if found is None:
                return name
        return None

    return missing


NATIVE = Client(name="native disk", serve=no_server, command=None, missing=needs())
VOFS = Client(
    name="mountvofs",
    serve=vospace_server,
    command=mount_command,
    download=download_command,
    missing=needs("curl"),
    writeback=writeback_command,
    flush=flush_command,
)
CLIENTS = (
    NATIVE,
    VOFS,
    Client(
        name="rclone",
        serve=nginx,
        command=rclone_command,
        download=nginx_download,
        missing=needs("rclone", "nginx", "fusermount3"),
    ),
    Client(
        name="sshfs",
        serve=sshd,
        command=sshfs_command,
        speaks_http=False,
        missing=needs("sshfs", "sshd", "ssh-keygen"),
    ),
    Client(
        name="s3fs",
        serve=rclone_s3,
        command=s3fs_command,
        missing=needs("s3fs", "rclone"),
    ),
)
