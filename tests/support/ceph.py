"""A real Ceph object gateway for the tests: Debian's programs, memory only, loopback only.

One monitor, one OSD that keeps its objects in memory, one radosgw. It is the very server that
large observatories run, so what passes here is not what a simulation happens to allow.
"""

import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.postgres import free_port

START_SECONDS = 90
MEMORY_BYTES = 8 << 30
PROGRAMS = {
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "radosgw": "radosgw",
    "radosgw-admin": "radosgw",
    "monmaptool": "ceph-common",
    "ceph-authtool": "ceph-common",
    "ceph": "ceph-common",
    "setpriv": "util-linux",
}

CONFIGURATION = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
keyring = {folder}/keyring
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
crash_dir = {folder}/crash
erasure_code_dir = /usr/lib/{machine}-linux-gnu/ceph/erasure-code
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 0
mon_data_avail_warn = 0
mon_warn_on_pool_no_redundancy = false

[mon.a]
mon_data = {folder}/mon
public_addrv = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]

[osd]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = {memory}
osd_max_object_size = 134217728

[client.rgw.a]
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
rgw_enable_ops_log = false
"""


class CephMissingError(Exception):
    """Programs of Ceph are not installed; a lane that needs them fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectGateway:
    """Where a running gateway answers, and the keys of its one user."""

    port: int
    access_key: str
    secret_key: str
    configuration: Path

    @property
    def endpoint(self) -> str:
        """The address of the gateway: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables in which a server looks for its keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }

    def administer(self, *words: str) -> str:
        """What `radosgw-admin` printed for these words."""
        return _run(["radosgw-admin", "-c", str(self.configuration), *words])

    def url(self, bucket: str, prefix: str = "") -> str:
        """What `--storage-url` takes for a bucket of this gateway."""
        tail = f"&prefix={prefix}" if prefix else ""
        return f"s3://{bucket}?endpoint={self.endpoint}{tail}"


def _check_programs() -> None:
    missing = sorted({PROGRAMS[name] for name in PROGRAMS if shutil.which(name) is None})
    if missing:
        raise CephMissingError(f"not on this machine: apt-get install {' '.join(missing)}")


class _Cluster:
    """The daemons of one cluster in one directory; each dies with the process of the tests."""

    def __init__(self, *, folder: Path, daemons: ExitStack) -> None:
        self._folder = folder
        self._daemons = daemons
        self._fsid = str(uuid.uuid4())
        self._monitor_ports = (free_port(), free_port())
        self.gateway_port = free_port()

    def start(self) -> None:
        self._write_configuration()
        self._start_monitor()
        self._start_osd()
        self._start_daemon("radosgw", "-n", "client.rgw.a")
        self._await("the gateway", self._gateway_answers)

    def add_user(self) -> ObjectGateway:
        done = self._run(
            "radosgw-admin", "user", "create", "--uid=vospace", "--display-name=vospace"
        )
        keys = json.loads(done)["keys"][0]
        return ObjectGateway(
            port=self.gateway_port,
            access_key=keys["access_key"],
            secret_key=keys["secret_key"],
            configuration=self._folder / "ceph.conf",
        )

    def _write_configuration(self) -> None:
        text = CONFIGURATION.format(
            fsid=self._fsid,
            folder=self._folder,
            mon_v2=self._monitor_ports[0],
            mon_v1=self._monitor_ports[1],
            gateway=self.gateway_port,
            memory=MEMORY_BYTES,
            machine=_run(["uname", "-m"]).strip(),
        )
        (self._folder / "ceph.conf").write_text(text)
        every = [
            "--cap",
            "mon",
            "allow *",
            "--cap",
            "osd",
            "allow *",
            "--cap",
            "mgr",
            "allow *",
        ]
        for name in ("mon.", "client.admin", "client.rgw.a", "osd.0"):
            keyring = self._folder / "keyring"
            create = [] if keyring.exists() else ["--create-keyring"]
            _run(["ceph-authtool", *create, "--gen-key", "-n", name, *every, str(keyring)])

    def _start_monitor(self) -> None:
        v2, v1 = self._monitor_ports
        address = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
        monmap = str(self._folder / "monmap")
        _run(["monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", address, monmap])
        keyring = str(self._folder / "keyring")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._start_daemon("ceph-mon", "-i", "a")
        self._run("ceph", "--connect-timeout", "30", "mon", "stat")

    def _start_osd(self) -> None:
        identity = str(uuid.uuid4())
        self._run("ceph", "osd", "new", identity, "0")
        (self._folder / "osd").mkdir()
        self._run("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", identity)
        self._start_daemon("ceph-osd", "-i", "0")
        self._await("the OSD", lambda: "1 up" in self._run("ceph", "osd", "stat"))

    def _start_daemon(self, program: str, *words: str) -> None:
        with (self._folder / f"{program}.output").open("wb") as output:
            process = subprocess.Popen(
                # A parent that is killed takes them along, which no `finally` could do.
                ["setpriv", "--pdeathsig", "KILL", program, "-f", *self._options(), *words],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._daemons.callback(_end, process)

    def _gateway_answers(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.gateway_port}/", timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not start:\n{self._last_words()}")
            time.sleep(0.1)

    def _run(self, program: str, *words: str) -> str:
        return _run([program, *self._options(), *words])

    def _options(self) -> list[str]:
        return ["-c", str(self._folder / "ceph.conf")]

    def _last_words(self) -> str:
        outputs = sorted(self._folder.glob("*.output"))
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in outputs)


def _run(command: list[str]) -> str:
    """What a command printed. Raises AssertionError with its complaint when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of it is kept, so it is not asked to finish."""
    process.kill()
    process.wait()


@contextmanager
def running_gateway(folder: Path) -> Iterator[ObjectGateway]:
    """A gateway in the given empty directory for the length of a `with` block.

    Raises CephMissingError, which names the packages to install.
    """
    _check_programs()
    with ExitStack() as daemons:
        cluster = _Cluster(folder=folder, daemons=daemons)
        cluster.start()
        yield cluster.add_user()
