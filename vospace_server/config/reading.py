"""Puts the configuration together: defaults, then the file, the environment, the options.

A later source overrides an earlier one, setting by setting. A key that no section has is an
error that names it and the nearest valid one, because a misspelt limit is no limit.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vospace_server.config.sections import SECTIONS, ServerConfig
from vospace_server.config.settings import ConfigError
from vospace_server.config.values import parse_value

PREFIX = "VOSPACE_"
CONFIG_VARIABLE = "VOSPACE_CONFIG"
_SIGNATURES = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
    }
)
# Without TLS only on this host, where nobody stands between.
_ISSUER_SCHEMES = ("https://", "http://127.0.0.1", "http://localhost")
_NO_PLACE = (
    "no place is given: use --data-dir DIR, the variable VOSPACE_DATA_DIR, or data_dir in a "
    "file that --config names"
)
# Variables of the clients (vofs and CADC's vos), which may well be set in the same shell.
CLIENT_VARIABLES = frozenset(
    {
        "VOSPACE_URL",
        "VOSPACE_TOKEN",
        "VOSPACE_TOKEN_FILE",
        "VOSPACE_CERTFILE",
        "VOSPACE_REGISTRY",
        "VOSPACE_WEBSERVICE",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """One setting as one source gives it; `label` is how that source names it."""

    section: str
    key: str
    raw: object
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """The configuration, and for each `section.key` that is not a default, who set it."""

    config: ServerConfig
    origins: Mapping[str, str]


def load_config(
    *,
    config_file: Path | None,
    environ: Mapping[str, str],
    options: Mapping[str, object],
) -> LoadedConfig:
    """The configuration from a TOML file, `VOSPACE_*` variables and options of the command.

    `options` maps `section.key` (or `data_dir`) to a value; None means "not given". Raises
    ConfigError with one sentence for a file that can't be read, an unknown key, a value of
    the wrong type or out of bounds.
    """
    if config_file is None and environ.get(CONFIG_VARIABLE):
        config_file = Path(environ[CONFIG_VARIABLE])
    given = [
        *(_from_file(config_file) if config_file else ()),
        *_from_environment(environ),
        *_from_options(options),
    ]
    values: dict[str, dict[str, Any]] = {section: {} for section in ("", *SECTIONS)}
    origins: dict[str, str] = {}
    for item in given:
        values[item.section][item.key] = _typed(item)
        origins[f"{item.section}.{item.key}".lstrip(".")] = item.label
    sections = {name: kind(**values[name]) for name, kind in SECTIONS.items()}
    if "data_dir" not in values[""] and sections["database"].url is None:
        raise ConfigError(_NO_PLACE)
    config = ServerConfig(data_dir=values[""].get("data_dir"), **sections)
    _check_together(config)
    return LoadedConfig(config=config, origins=origins)


def _typed(item: _Given) -> Any:
    if item.section:
        return parse_value(SECTIONS[item.section], item.key, item.raw, origin=item.label)
    if not isinstance(item.raw, str | Path) or not str(item.raw):
        raise ConfigError(f"{item.label} must be the path of a folder, not {item.raw!r}")
    return Path(item.raw).expanduser()


def _check_together(config: ServerConfig) -> None:
    """What no single value shows."""
    server, service = config.server, config.service
    if (server.tls_cert is None) != (server.tls_key is None):
        raise ConfigError("server.tls_cert and server.tls_key are only usable together")
    groups = config.groups
    if groups.services and groups.credential == "service" and groups.token is None:
        raise ConfigError("groups.token must be set for groups.credential = service")
    if server.tls_cert is None:
        for name in ("tls_port", "tls_client_ca"):
            if getattr(server, name) is not None:
                raise ConfigError(f"server.{name} needs server.tls_cert and server.tls_key")
    _check_logins(config)
    for name, value in (("authority", service.authority), ("name", service.name)):
        if not value.replace("-", "").replace(".", "").replace("_", "").isalnum():
            raise ConfigError(
                f"service.{name} may hold letters, digits, dot, dash and underscore, "
                f"not {value!r}"
            )


def _check_logins(config: ServerConfig) -> None:
    trusting, oidc = config.authentication, config.oidc
    if (trusting.trusted_dn_header is None) != (trusting.trusted_dn_secret is None):
        raise ConfigError(
            "authentication.trusted_dn_header is believed only from a proxy that knows "
            "authentication.trusted_dn_secret; set both or neither"
        )
    if oidc.issuer is not None and not oidc.issuer.startswith(_ISSUER_SCHEMES):
        raise ConfigError("oidc.issuer must be an https: address")
    if oidc.issuer is not None and not oidc.audience:
        raise ConfigError("oidc.audience must say for whom tokens of oidc.issuer are made")
    if (oidc.groups_claim is None) != (oidc.group_service is None):
        raise ConfigError("oidc.groups_claim and oidc.group_service are only usable together")
    unsafe = [name for name in oidc.algorithms if name not in _SIGNATURES]
    if unsafe or not oidc.algorithms:
        raise ConfigError(
            f"oidc.algorithms may name public-key signatures only, not {unsafe or 'nothing'}"
        )


# ------------------------------------------------------------------------------ the sources


def _from_file(path: Path) -> Iterator[_Given]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for name, value in document.items():
        if isinstance(value, dict) and name in SECTIONS:
            yield from _from_table(name, value, path)
        elif name == "data_dir":
            yield _Given(section="", key=name, raw=value, label=f"data_dir in {path}")
        else:
            kind = f"section [{name}]" if isinstance(value, dict) else f'key "{name}"'
            raise ConfigError(
                f"unknown {kind} in {path}" + _nearest(name, ["data_dir", *SECTIONS])
            )


def _from_table(section: str, table: Mapping[str, object], path: Path) -> Iterator[_Given]:
    for key, value in table.items():
        label = f"{section}.{key} in {path}"
        secret_key = _secret_key(section, key)
        if secret_key:
            content = _read_secret(value, label)
            yield _Given(section=section, key=secret_key, raw=content, label=label)
        elif key in _keys(section):
            yield _Given(section=section, key=key, raw=value, label=label)
        else:
            nearest = _nearest(key, _keys(section))
            raise ConfigError(f'unknown key "{key}" in [{section}] of {path}{nearest}')


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Given]:
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in {CONFIG_VARIABLE, *CLIENT_VARIABLES}:
            continue
        name = variable.removeprefix(PREFIX)
        section, _, key = name.lower().partition("_")
        secret_key = _secret_key(section, key)
        if name == "DATA_DIR":
            yield _Given(section="", key="data_dir", raw=value, label=variable)
        elif section in SECTIONS and key in _keys(section):
            yield _Given(section=section, key=key, raw=value, label=variable)
        elif secret_key:
            content = _read_secret(value, variable)
            yield _Given(section=section, key=secret_key, raw=content, label=variable)
        else:
            raise ConfigError(
                f"unknown variable {variable}" + _nearest(variable, _all_variables())
            )


def _from_options(options: Mapping[str, object]) -> Iterator[_Given]:
    for dotted, value in options.items():
        section, _, key = dotted.rpartition(".")
        if value is not None:
            label = f"--{key.replace('_', '-')}"
            # The database and the store are named by what they are on the command line.
            if key == "url":
                label = f"--{section}-url"
            yield _Given(section=section, key=key, raw=value, label=label)


def _keys(section: str) -> list[str]:
    return [field.name for field in dataclasses.fields(SECTIONS[section])]


def _secret_key(section: str, key: str) -> str | None:
    """The secret setting that `key` gives a file for, if it does."""
    if section not in SECTIONS or not key.endswith("_file"):
        return None
    name = key.removesuffix("_file")
    secret = {
        f.name for f in dataclasses.fields(SECTIONS[section]) if f.metadata["about"].secret
    }
    return name if name in secret else None


def _read_secret(path: object, label: str) -> str:
    if not isinstance(path, str):
        raise ConfigError(f"{label} must be the path of a file, not {path!r}")
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{label}: can't read {path}: {error.strerror}") from error


def _all_variables() -> list[str]:
    dotted = [f"{section}_{key}" for section in SECTIONS for key in _keys(section)]
    return [CONFIG_VARIABLE, PREFIX + "DATA_DIR", *(PREFIX + name.upper() for name in dotted)]


def _nearest(name: str, valid: list[str]) -> str:
    matches = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else f"; there are {', '.join(valid)}"
