"""Serves one mount from the first request to the service to the last byte sent."""

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Final

from vofs.cache.block_cache import BlockCache
from vofs.config import MountConfig
from vofs.filesystem.aliases import Aliases
from vofs.filesystem.kernel_versions import Detach
from vofs.kernel.attributes import AttributeMapper
from vofs.kernel.call_journal import CallJournal
from vofs.kernel.callers import Callers
from vofs.kernel.detaching import Detacher
from vofs.kernel.mounting import caller_thread, load_library, serve
from vofs.kernel.operations import Operations
from vofs.mount import signals
from vofs.mount.building import MountedSpace, Space, build, open_cache, reach_space
from vofs.mount.control_protocol import runtime_folder, secure_folder, socket_path
from vofs.mount.control_requests import ControlRequests
from vofs.mount.control_server import ControlServer
from vofs.mount.mountpoints import unmount
from vofs.mount.resuming import await_ending_mounts, ending, resume_pending
from vofs.mount.status import StatusReporter
from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)

# After the mountpoint is free, files that programs keep open may keep us alive for so long.
_LINGER_SECONDS: Final = 5.0
_EXIT_UNSENT: Final = 1


def serve_mount(
    config: MountConfig,
    environment: Mapping[str, str],
    *,
    notice: Callable[[str], None],
    on_ready: Callable[[], None],
) -> int:
    """Mount, serve until unmounted, send what is left; 0, or 1 when something wasn't sent.

    Raises what keeps the mount from being made; then nothing is left behind.
    """
    module = load_library(config.kernel.library)
    space = reach_space(config, environment)
    if space.is_anonymous and not config.read_only:
        notice(f"anonymous and therefore read-only ({space.credentials.source})")
    cache = open_cache(config)
    signals.block()
    mount = _Mount(config, environment, module, on_ready)
    mounted = mount.build(space, cache)
    await_ending_mounts(cache.spool_directory, config.write_back.finish_seconds, notice)
    resume_pending(mounted, notice)
    try:
        return mount.run(mounted, space)
    finally:
        mounted.close()


class _Mount:
    """The threads and sockets around the main loop of libfuse."""

    def __init__(
        self,
        config: MountConfig,
        environment: Mapping[str, str],
        module: ModuleType,
        on_ready: Callable[[], None],
    ) -> None:
        self._config = config
        self._module = module
        self._on_ready = on_ready
        self._journal = CallJournal()
        self._aliases = Aliases()
        self._detacher: Detacher | None = None
        self._mounted: MountedSpace | None = None
        self._control: ControlServer | None = None
        self._runtime = runtime_folder(environment)
        self._ending = threading.Event()

    def build(self, space: Space, cache: BlockCache) -> MountedSpace:
        """The parts of the file system; their way to the kernel works once mounted."""
        detach = self._detacher_for(space.root)
        return build(self._config, space, cache, aliases=self._aliases, detach=detach)

    def _detacher_for(self, root: NodePath) -> Detach:
        self._detacher = Detacher(
            mountpoint=self._config.mountpoint,
            root=root,
            caller_thread=lambda: caller_thread(self._module),
            new_name=self._aliases.new_name,
            on_detached=self._detached,
        )
        return self._detacher.detach

    def run(self, mounted: MountedSpace, space: Space) -> int:
        """Serve until the mount is gone."""
        assert self._detacher is not None
        self._mounted = mounted
        operations = Operations(
            mounted.filesystem,
            AttributeMapper(caller=space.caller),
            root=space.root,
            callers=Callers(lambda: caller_thread(self._module)),
            is_detaching=self._detacher.is_own,
            on_start=self._start,
            on_stop=self._stop,
        )
        # What was made until now stays: looking through it again and again for garbage would
        # hold up every call of the kernel for some milliseconds each time.
        gc.collect()
        gc.freeze()
        serve(
            operations,
            str(self._config.mountpoint),
            self._config.kernel,
            module=self._module,
            journal=self._journal,
        )
        return self._finish(mounted)

    def _start(self) -> None:
        """The kernel has mounted us: from here on threads may run."""
        assert self._mounted is not None
        assert self._detacher is not None
        self._detacher.start()
        self._mounted.write_back.start()
        signals.start_listening(on_end=self._end, on_hangup=self._mounted.namespace.forget_all)
        self._listen(self._mounted)
        threading.Thread(target=self._announce, name="vofs-ready", daemon=True).start()

    def _announce(self) -> None:
        """Say that the mount is there; not from the kernel's first call, which it waits for."""
        _log.info("mounted %s on %s", self._config.source, self._config.mountpoint)
        self._on_ready()

    def _listen(self, mounted: MountedSpace) -> None:
        """Answer `vofs`; a mount without it still is a mount."""
        status = StatusReporter(mounted, self._config, self._journal)
        requests = ControlRequests(mounted, status, mountpoint=self._config.mountpoint)
        try:
            secure_folder(self._runtime)
            path = socket_path(self._runtime, str(self._config.mountpoint))
            control = ControlServer(path, requests.handle)
            control.start()
            self._control = control
        except Exception as error:  # noqa: BLE001 -- see the docstring
            _log.warning("vofs can't ask this mount: %s", error)

    def _end(self) -> None:
        """SIGTERM: send what is written, then unmount, whoever still uses it."""
        assert self._mounted is not None
        if self._ending.is_set():
            return
        self._ending.set()
        failures = self._send_all(self._mounted)
        unmount(self._config.mountpoint)
        # Programs that keep files open keep the kernel's side alive; what they wrote is sent.
        time.sleep(_LINGER_SECONDS)
        if self._control is not None:
            self._control.close()
        logging.shutdown()
        sys.stderr.flush()
        os._exit(_EXIT_UNSENT if failures else 0)

    def _finish(self, mounted: MountedSpace) -> int:
        with ending(mounted.cache.spool_directory):
            failures = self._send_all(mounted)
        _log.info("unmounted %s", self._config.mountpoint)
        return _EXIT_UNSENT if failures else 0

    def _send_all(self, mounted: MountedSpace) -> list[str]:
        """Send what is left, for as long as an end may take; the next mount has the rest."""
        failures = mounted.filesystem.flush_all(self._config.write_back.finish_seconds)
        for failure in failures:
            _log.error("not sent, kept for the next mount: %s", failure)
        return failures

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._detacher is not None:
            self._detacher.stop()

    def _detached(self, path: NodePath, alias: NodePath) -> None:
        """The inode of the path has an alias: who has it open keeps it under that."""
        assert self._mounted is not None
        self._mounted.filesystem.detached(path, alias)
