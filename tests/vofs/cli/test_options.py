"""The command line: every form that users arrive with means what they mean by it."""

import dataclasses
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from vofs import cli
from vofs.config import ConfigError, FileSettings, MountConfig, parse_size, read_file
from vofs.kernel.mounting import FuseLibrary

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mount.example.toml"


def _config(
    *words: str, environment: dict[str, str] | None = None, home: Path | None = None
) -> MountConfig:
    variables = {"XDG_CONFIG_HOME": str(home or "/nowhere"), **(environment or {})}
    return cli.configuration(cli._parser().parse_args(words), variables)


def test_source_and_mountpoint_may_come_either_way() -> None:
    plain = _config("vos:durand", "/mnt")
    assert (plain.source, plain.mountpoint) == ("vos:durand", Path("/mnt"))
    assert _config("--vospace", "vos:durand", "--mountpoint", "/mnt").source == "vos:durand"
    assert _config("--vospace", "vos:durand", "/mnt").mountpoint == Path("/mnt")
    with pytest.raises(ConfigError, match="no SOURCE"):
        _config()
    with pytest.raises(ConfigError, match="no MOUNTPOINT"):
        _config("vos:durand")


def test_mount_options_of_fstab_are_understood_or_ignored() -> None:
    config = _config(
        "vos:durand",
        "/mnt",
        "-o",
        "rw,dev,suid,nofail,_netdev,x-systemd.automount,x-systemd.idle-timeout=600,user",
        "-o",
        "ro,allow_other,timeout=5,cache_dir=/scratch,cache-limit=1GiB,fuse=3,strict,immutable",
    )
    assert config.read_only
    assert config.strict
    assert config.kernel.allow_other
    assert config.kernel.library is FuseLibrary.LIBFUSE3
    assert config.connection.retry.operation_seconds == 5.0
    assert config.cache.directory == Path("/scratch")
    assert config.cache.limit_bytes == 1024**3
    assert config.namespace.open_timeout_seconds > 3600


def test_writeback_is_off_unless_asked_for() -> None:
    assert not _config("vos:durand", "/mnt").write_back.enabled
    config = _config("vos:durand", "/mnt", "-o", "writeback,writeback_limit=1GiB").write_back
    assert (config.enabled, config.durable, config.limit_bytes) == (True, False, 1024**3)
    config = _config("vos:durand", "/mnt", "--writeback-sync").write_back
    assert (config.enabled, config.durable) == (True, True)
    assert _config("vos:durand", "/mnt", "--writeback").write_back.enabled


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("nonsense", "no mount option 'nonsense'"),
        ("timeout=soon", "timeout must be a number of seconds, not 'soon'"),
        ("timeout=-1", "timeout must be a number"),
        ("cache_limit=lots", "'lots' is not a size"),
        ("writeback_limit=lots", "'lots' is not a size"),
        ("fuse=9", "fuse must be 2 or 3, not '9'"),
        ("log_level=loud", "log_level must be one of"),
        ("conf=/not/there.toml", "/not/there.toml can't be read"),
    ],
)
def test_option_that_makes_no_sense_is_named(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        _config("vos:durand", "/mnt", "-o", option)


def test_former_options_are_accepted() -> None:
    config = _config(
        *("--vospace", "vos:durand", "--mountpoint", "/mnt", "-f", "-d"),
        *("--cache_dir", "/c", "--cache_limit", "1000", "--cache_nodes", "--readonly"),
        *("--allow_other", "--max_flush_threads", "10", "--secure_get", "--nothreads"),
        *("--log", "/log", "--certfile", "/cert.pem"),
    )
    assert config.cache.limit_bytes == 1000 * 1024**2
    assert config.read_only
    assert config.foreground
    assert config.kernel.allow_other
    assert config.kernel.debug
    assert config.log_file == Path("/log")
    assert config.credentials.certfile == Path("/cert.pem")


def test_options_win_over_variables_and_those_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "vofs").mkdir()
    (tmp_path / "vofs" / "config.toml").write_text(
        'service = "http://file/vault"\ntimeout = 7\ncache_limit = "1GiB"\n'
    )
    variables = {"VOSPACE_URL": "http://variable/vault"}
    words = ("vos:durand", "/mnt")
    assert _config(*words, home=tmp_path).location.service == "http://file/vault"
    by_variable = _config(*words, environment=variables, home=tmp_path)
    assert by_variable.location.service == "http://variable/vault"
    assert by_variable.connection.retry.operation_seconds == 7
    by_option = _config(
        *words, "--service", "http://option/vault", environment=variables, home=tmp_path
    )
    assert by_option.location.service == "http://option/vault"
    assert by_option.cache.limit_bytes == 1024**3


def test_read_only_mounts_believe_nodes_longer_and_still_look_when_opening() -> None:
    words = ("vos:durand", "/mnt")
    rw, ro = _config(*words), _config(*words, "--read-only")
    assert rw.kernel.attr_timeout_seconds == rw.namespace.attr_timeout_seconds == 1.0
    assert ro.kernel.attr_timeout_seconds == ro.namespace.attr_timeout_seconds == 60.0
    assert (rw.kernel.negative_timeout_seconds, ro.kernel.negative_timeout_seconds) == (0, 5)
    assert rw.namespace.open_timeout_seconds == ro.namespace.open_timeout_seconds == 1.0
    chosen = _config(*words, "--attr-timeout", "0.5")
    assert chosen.namespace.open_timeout_seconds == chosen.kernel.attr_timeout_seconds == 0.5


def test_batch_job_caches_on_the_scratch_disk_it_was_given() -> None:
    words = ("vos:durand", "/mnt")
    variables = {"_CONDOR_SCRATCH_DIR": "/scratch/job1"}
    assert _config(*words, environment=variables).cache.directory == Path(
        "/scratch/job1/vofs-cache"
    )
    variables = {"XDG_CACHE_HOME": "/home/durand/.cache"}
    assert _config(*words, environment=variables).cache.directory == Path(
        "/home/durand/.cache/vofs"
    )


def test_example_file_names_every_setting_and_no_other() -> None:
    document = tomllib.loads(EXAMPLE.read_text())
    assert set(document) == {field.name for field in dataclasses.fields(FileSettings)}
    assert isinstance(read_file(EXAMPLE), FileSettings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cache_size = 1", "there is no setting 'cache_size'"),
        ("timeout = 'long'", "timeout must be a number"),
        ("read_only = 'yes'", "read_only must be true or false"),
        ("services = 'x'", "services must be a table of texts"),
        ("service = [", "can't be read"),
    ],
)
def test_mistake_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_file(path)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("20GiB", 20 * 1024**3),
        ("1.5K", 1536),
        ("512 MiB", 512 * 1024**2),
        ("512 MB", 512 * 10**6),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_other_distribution_of_the_same_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "3.1")
    assert cli.main(["vos:durand", "/mnt"]) == 1
    assert "CADC's distribution 'vofs' 3.1 is installed" in capsys.readouterr().err


def test_misuse_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert capsys.readouterr().err == (
        "mountvofs: no SOURCE: say what to mount, e.g. vos:durand\n"
    )
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--no-such-option", "vos:durand", "/mnt"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--help"])
    assert exit_.value.code == 0
    assert "mount -t fuse.mountvofs" in capsys.readouterr().out
