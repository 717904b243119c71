"""Configuration: where values come from, who wins, and what is refused with which words."""

from pathlib import Path

import pytest

from vospace_server.config import ConfigError, ServerConfig, load_config
from vospace_server.config.sections import SECTIONS


def load(
    *,
    file: Path | None = None,
    environ: dict[str, str] | None = None,
    options: dict[str, object] | None = None,
) -> ServerConfig:
    return load_config(
        config_file=file,
        environ=environ or {},
        options={"data_dir": "/srv/a", **(options or {})},
    ).config


def written(folder: Path, text: str) -> Path:
    file = folder / "server.toml"
    file.write_text(text)
    return file


def test_the_defaults_serve_vault_on_loopback_from_sqlite_and_a_folder() -> None:
    config = load()

    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert config.database_url == "sqlite:////srv/a/vospace.sqlite"
    assert config.storage_url == "file:///srv/a/storage"
    assert config.resource_id == "ivo://localhost/vault"
    assert config.vos_authority == "localhost~vault"
    assert config.group_service_id == "ivo://localhost/gms"


def test_option_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    file = written(tmp_path, '[server]\nport = 1\nhost = "file"\nworkers = 3\n')
    environ = {"VOSPACE_SERVER_PORT": "2", "VOSPACE_SERVER_HOST": "variable"}

    server = load(file=file, environ=environ, options={"server.port": "3"}).server

    assert (server.port, server.host, server.workers) == (3, "variable", 3)


def test_the_origin_of_every_setting_is_known(tmp_path: Path) -> None:
    file = written(tmp_path, "[server]\nworkers = 3\n")

    loaded = load_config(
        config_file=file,
        environ={"VOSPACE_SERVICE_NAME": "space"},
        options={"data_dir": "/srv/a", "server.port": "3", "server.host": None},
    )

    assert loaded.origins == {
        "data_dir": "--data-dir",
        "server.port": "--port",
        "server.workers": f"server.workers in {file}",
        "service.name": "VOSPACE_SERVICE_NAME",
    }


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    file = written(tmp_path, 'data_dir = "/srv/b"\n')

    loaded = load_config(
        config_file=None, environ={"VOSPACE_CONFIG": str(file)}, options={"data_dir": None}
    )

    assert loaded.config.data_dir == Path("/srv/b")


def test_variables_of_clients_are_none_of_our_business() -> None:
    environ = {"VOSPACE_URL": "http://h/vault", "VOSPACE_WEBSERVICE": "h", "HOME": "/root"}

    assert load(environ=environ) == load()


def test_a_secret_is_read_from_a_file_and_hidden_in_the_representation(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg://u:pw@h/d\n")
    file = written(tmp_path, f'[database]\nurl_file = "{secret}"\n')

    from_variable = load(environ={"VOSPACE_DATABASE_URL_FILE": str(secret)})
    from_table = load(file=file)

    assert from_variable.database.url == "postgresql+psycopg://u:pw@h/d"
    assert from_table.database_url == "postgresql+psycopg://u:pw@h/d"
    assert "pw" not in repr(from_variable)


def test_lists_are_arrays_in_the_file_and_comma_separated_in_a_variable(tmp_path: Path) -> None:
    file = written(tmp_path, '[server]\ntrusted_proxies = ["10.0.0.1", "10.0.0.2"]\n')
    variable = {"VOSPACE_SERVER_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2"}

    assert load(file=file).server.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert load(environ=variable).server.trusted_proxies == ("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize("text", ["true", "yes", "ON", "1"])
def test_a_switch_has_the_usual_spellings(text: str) -> None:
    assert load(environ={"VOSPACE_SERVICE_STRICT_LINKS": text}).service.strict_links is True


BAD_FILES = [
    ("[server]\nprot = 1", 'unknown key "prot" in [server] of {file}; did you mean port?'),
    ("[serer]\nport = 1", "unknown section [serer] in {file}; did you mean server?"),
    ('data_dri = "/x"', 'unknown key "data_dri" in {file}; did you mean data_dir?'),
    (
        "[logging]\nzzz = 1",
        'unknown key "zzz" in [logging] of {file}; there are level, requests',
    ),
    (
        '[server]\nport = "x"',
        "server.port in {file} must be a whole number, not 'x'",
    ),
    ("[server]\nport = true", "server.port in {file} must be a whole number, not True"),
    (
        "[server]\nport = 70000",
        "server.port in {file} must be at least 0 and at most 65535, not 70000",
    ),
    (
        "[server]\nworkers = 0",
        "server.workers in {file} must be at least 1 and at most 256, not 0",
    ),
    ("[server]\nhost = 5", "server.host in {file} must be text, not 5"),
    (
        "[server]\nbody_timeout_seconds = nan",
        "server.body_timeout_seconds in {file} must be at least 0.1, not nan",
    ),
    (
        "[server]\ntrusted_proxies = 5",
        "server.trusted_proxies in {file} must be a list of texts, not 5",
    ),
    (
        "[service]\nstrict_links = 1",
        "service.strict_links in {file} must be true or false, not 1",
    ),
    (
        '[logging]\nlevel = "loud"',
        "logging.level in {file} must be one of debug, info, warning, error, not 'loud'",
    ),
    (
        "[database]\nurl = 5",
        "database.url in {file} must be text, not what is given",
    ),
    ("data_dir = 5", "data_dir in {file} must be the path of a folder, not 5"),
    (
        '[server]\ntls_cert = "c.pem"',
        "server.tls_cert and server.tls_key are only usable together",
    ),
    (
        '[service]\nauthority = "a b"',
        "service.authority may hold letters, digits, dot, dash and underscore, not 'a b'",
    ),
    (
        '[database]\nurl_file = "/nowhere/at/all"',
        "database.url_file in {file}: can't read /nowhere/at/all: No such file or directory",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_bad_file_is_refused_with_what_and_where(
    tmp_path: Path, text: str, message: str
) -> None:
    file = written(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load(file=file)

    assert str(caught.value) == message.format(file=file)


BAD_VARIABLES = [
    ("VOSPACE_SERVER_PROT", "1", "unknown variable VOSPACE_SERVER_PROT; did you mean "),
    ("VOSPACE_DATABSE_URL", "x", "unknown variable VOSPACE_DATABSE_URL; did you mean "),
    (
        "VOSPACE_SERVER_PORT",
        "abc",
        "VOSPACE_SERVER_PORT must be a whole number, not 'abc'",
    ),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_VARIABLES)
def test_a_bad_variable_is_refused_by_its_name(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={name: value})

    assert str(caught.value).startswith(message)


def test_broken_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    file = written(tmp_path, "[server\nport = 1")

    with pytest.raises(ConfigError, match=r"is not valid TOML: .*line 1"):
        load(file=file)


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        load(file=Path("/nowhere/server.toml"))

    assert str(caught.value) == "can't read /nowhere/server.toml: No such file or directory"


def test_without_any_place_the_ways_to_give_one_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(config_file=None, environ={}, options={"data_dir": None})

    assert str(caught.value).startswith("no place is given: use --data-dir DIR")


def test_both_urls_make_the_data_directory_unnecessary() -> None:
    options = {"database.url": "postgresql://h/d", "storage.url": "file:///objects"}

    config = load_config(config_file=None, environ={}, options=options).config

    assert config.data_dir is None
    assert config.storage_url == "file:///objects"


def test_a_database_url_alone_leaves_no_place_for_the_objects() -> None:
    options = {"database.url": "postgresql://h/d"}
    config = load_config(config_file=None, environ={}, options=options).config

    with pytest.raises(ConfigError, match="no data directory to hold storage"):
        _ = config.storage_url


def test_every_setting_says_what_it_is_for() -> None:
    for section in SECTIONS.values():
        for field in section.__dataclass_fields__.values():
            assert field.metadata["about"].purpose
