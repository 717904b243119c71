"""pyvo reads every VOSI and UWS document of ours, and has nothing to complain of."""

import io
import warnings

import httpx
import pytest
from pyvo.io.uws import parse_job
from pyvo.io.vosi import parse_availability, parse_capabilities

from tests.support.space import Space

NODES = "ivo://ivoa.net/std/VOSpace/v2.0#nodes"
PULL = """<vos:transfer xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0">
<vos:target>vos://localhost~vault/{folder}/f</vos:target>
<vos:direction>pullFromVoSpace</vos:direction>
<vos:protocol uri="ivo://ivoa.net/vospace/core#httpget"/></vos:transfer>"""


@pytest.fixture(autouse=True)
def no_warning() -> None:
    """Whatever pyvo's parsers warn of is a failure (pytest's own setting says so too)."""
    warnings.simplefilter("error")


def got(client: httpx.Client, url: str) -> io.BytesIO:
    """A document."""
    response = client.get(url)
    response.raise_for_status()
    return io.BytesIO(response.content)


def test_capabilities_are_read(shared_space: Space) -> None:
    """Contract 2.2: every standardID with its interfaces and security methods."""
    with shared_space.client(None) as client:
        read = parse_capabilities(got(client, "/vault/capabilities"))

    by_id = {each.standardid: each for each in read}
    assert NODES in by_id
    (interface,) = by_id[NODES].interfaces
    assert interface.accessurls[0].content == f"{shared_space.server.url}/nodes"
    methods = [method.standardid for method in interface.securitymethods]
    assert methods[0] is None
    assert "ivo://ivoa.net/sso#BasicAA" in methods


def test_availability_is_read(shared_space: Space) -> None:
    """Contract 1.8: available, upSince and notes."""
    with shared_space.client(None) as client:
        read = parse_availability(got(client, "/vault/availability"))

    assert read.available
    assert read.upsince is not None


def test_a_job_is_read(shared_space: Space, folder: str) -> None:
    """Contract 1.6: a job as UWS 1.1 has it, before and after it has run."""
    with shared_space.client(shared_space.owner) as client:
        client.put(f"/vault/files/{folder}/f", content=b"x").raise_for_status()
        document = PULL.format(folder=folder)
        url = client.post("/vault/transfers", content=document).headers["location"]
        pending = parse_job(got(client, url))
        client.post(f"{url}/phase", data={"PHASE": "RUN"})
        ended = parse_job(got(client, f"{url}?WAIT=30&PHASE=QUEUED"))
        ended = parse_job(got(client, f"{url}?WAIT=30&PHASE=EXECUTING"))

    assert pending.phase == "PENDING"
    assert ended.phase == "COMPLETED"
    assert [each.id_ for each in ended.results] == ["transferDetails"]
