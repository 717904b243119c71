"""The doctor's look at the parts of the server: database, storage, certificate, accounts."""

import ssl
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vospace_server.composition.storing import open_storage
from vospace_server.config import ConfigError, ServerConfig
from vospace_server.config.sections import DATABASE_FILE
from vospace_server.database.engine import Database
from vospace_server.database.schema import NEWEST_REVISION
from vospace_server.examination.findings import Finding, broken, doubtful, fine
from vospace_server.storage.object_store import StoreError

_PROBE = b"vospace" * 512
# Certificates are renewed by people and programs that need some days to notice.
_SOON_SECONDS = 14 * 86400


def check_database(config: ServerConfig) -> Finding:
    """The database answers and has the schema of this version."""
    if _is_missing(config):
        return doubtful("database", "there is none yet", "`vospace-server serve` makes it")
    database = Database(config.database_url)
    try:
        revision = database.revision()
    finally:
        database.close()
    if revision == NEWEST_REVISION:
        return fine("database", f"answers, schema {revision}")
    if revision is None:
        return doubtful("database", "it has no tables", "`vospace-server upgrade` makes them")
    text = f"it has schema {revision}, this version {NEWEST_REVISION}"
    return doubtful("database", text, "`vospace-server upgrade`, after a backup")


def check_accounts(config: ServerConfig) -> Finding:
    """Somebody can administer the space."""
    if _is_missing(config):
        return doubtful("accounts", "there are none yet", _ADD_ADMIN)
    database = Database(config.database_url)
    try:
        with database.read() as unit:
            users = unit.users.all()
    finally:
        database.close()
    admins = [user.name for user in users if user.is_admin and not user.disabled]
    if not admins:
        return doubtful("accounts", f"{len(users)} users, no administrator", _ADD_ADMIN)
    return fine("accounts", f"{len(users)} users, administered by {', '.join(admins)}")


_ADD_ADMIN = "`vospace-server user add NAME --admin`"


def check_storage(config: ServerConfig) -> Finding:
    """An object can be stored durably, read and deleted, with all that this needs of a disk."""
    url = urlsplit(config.storage_url)
    if url.scheme == "file" and not Path(unquote(url.path)).is_dir():
        return doubtful("storage", "there is none yet", "`vospace-server serve` makes it")
    try:
        began = time.perf_counter()
        _probe_storage(config)
        taken = (time.perf_counter() - began) * 1000
    except (StoreError, ConfigError, OSError) as error:
        advice = "the disk must take fsync and hard links; check --storage-url and its rights"
        return broken("storage", str(error), advice)
    return fine(
        "storage", f"stored, synced, linked, read and deleted an object in {taken:.0f} ms"
    )


def _probe_storage(config: ServerConfig) -> None:
    with open_storage(config) as store:
        writer = store.create()
        try:
            writer.write(_PROBE)
            writer.commit()
        finally:
            writer.abort()
        reader = store.open(writer.key)
        try:
            content = reader.read_at(0, len(_PROBE) + 1)
        finally:
            reader.close()
            store.delete(writer.key)
    if content != _PROBE:
        raise StoreError("what was read is not what was written")


def check_certificate(config: ServerConfig) -> Finding:
    """The certificate fits its key and is valid for some time."""
    cert, key = config.server.tls_cert, config.server.tls_key
    if cert is None:
        return fine("certificate", "none; TLS is off")
    try:
        left = _valid_seconds(cert, key)
    except OSError as error:
        text = f"{cert} with {key}: {error.strerror or error}"
        return broken("certificate", text, "renew the certificate or correct server.tls_*")
    days = f"{left / 86400:.0f} days"
    if left < _SOON_SECONDS:
        return doubtful("certificate", f"{cert} expires in {days}", "renew it")
    return fine("certificate", f"{cert} is valid for {days}")


def _valid_seconds(cert: Path, key: Path | None) -> float:
    """For how long clients will accept the certificate; raises OSError when they won't now.

    Found by talking TLS to ourselves, since Python's library has no reader of certificates.
    """
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(cert, key)
    asking = ssl.create_default_context(cafile=cert)
    asking.check_hostname = False
    # The certificate need not be signed by one that this host knows.
    asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    ends = (client.getpeercert() or {})["notAfter"]
    return ssl.cert_time_to_seconds(str(ends)) - time.time()


def _is_missing(config: ServerConfig) -> bool:
    """Whether looking would make a new SQLite file."""
    if config.database.url is not None or config.data_dir is None:
        return False
    return not (config.data_dir / DATABASE_FILE).is_file()
