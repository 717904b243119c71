"""Documents and archives for the tests of packages."""

import io
import tarfile
import zipfile
from collections.abc import Sequence

from tests.vospace_server.http.documents import CORE, uri

PACKAGE_VIEW = "vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0"
TAR = "application/x-tar"
ZIP = "application/zip"


def package_document(
    paths: Sequence[str], media_type: str | None = None, *, authority: str = "localhost!vault"
) -> str:
    """The transfer that asks for a package of several targets."""
    targets = "".join(f"<vos:target>{uri(path, authority)}</vos:target>" for path in paths)
    form = ""
    if media_type is not None:
        form = f'<vos:param uri="{CORE}format">{media_type}</vos:param>'
    return (
        '<vos:transfer xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" version="2.1">'
        f"{targets}<vos:direction>pullFromVoSpace</vos:direction>"
        f'<vos:view uri="{PACKAGE_VIEW}">{form}</vos:view>'
        f'<vos:protocol uri="{CORE}httpget"/></vos:transfer>'
    )


def in_tar(archive: bytes) -> dict[str, bytes | str]:
    """What a tar archive holds: bytes of files, `-> target` of links, `/` for folders."""
    found: dict[str, bytes | str] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        for member in opened:
            if member.isdir():
                found[member.name] = "/"
            elif member.issym():
                found[member.name] = f"-> {member.linkname}"
            else:
                part = opened.extractfile(member)
                assert part is not None
                found[member.name] = part.read()
    return found


def in_zip(archive: bytes) -> dict[str, bytes | str]:
    """The same of a zip archive, every checksum verified."""
    found: dict[str, bytes | str] = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        for member in opened.infolist():
            content = opened.read(member)
            if member.is_dir():
                found[member.filename.rstrip("/")] = "/"
            elif (member.external_attr >> 16) & 0o170000 == 0o120000:
                found[member.filename] = f"-> {content.decode()}"
            else:
                found[member.filename] = content
    return found
