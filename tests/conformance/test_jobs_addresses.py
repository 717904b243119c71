"""A job is below the address of its list, and below no other."""

import httpx
import pytest

from tests.conformance.packages import package_document
from tests.vospace_server.http.documents import CORE, data, endpoints_of, transfer, uri

DOORS = ("transfers", "pkg", "async-delete", "async-setprops")


def _made(owner: httpx.Client, path: str, door: str) -> str:
    """The id of a new job that was posted to a door."""
    bodies = {
        "transfers": transfer(path, "pullFromVoSpace", protocols=("httpget",)),
        "synctrans": transfer(path, "pullFromVoSpace", protocols=("httpget",)),
        "pkg": package_document([path]),
        "async-setprops": data(path, title="t"),
    }
    form = {"target": uri(path)} if door == "async-delete" else None
    made = owner.post(f"/vault/{door}", content=bodies.get(door), data=form)
    assert made.status_code == 303, made.text
    address = "transfers" if door == "synctrans" else door
    return made.headers["location"].partition(f"/{address}/")[2].partition("/")[0]


@pytest.mark.parametrize("door", [*DOORS, "synctrans"])
def test_a_job_answers_below_its_own_list_only(
    owner: httpx.Client, folder: str, door: str
) -> None:
    """Contract 1.6: a job below another list's address is 404, and nothing is done to it."""
    path = f"{folder}/f"
    owner.put(f"/vault/files/{path}", content=b"x").raise_for_status()
    job = _made(owner, path, door)
    home = "transfers" if door == "synctrans" else door
    resources = ("", "/phase", "/results", "/parameters", "/error")

    for other in set(DOORS) - {home}:
        base = f"/vault/{other}/{job}"
        found = [owner.get(f"{base}{each}").status_code for each in resources]
        changed = [
            owner.post(f"{base}/phase", data={"PHASE": "ABORT"}).status_code,
            owner.post(base, data={"ACTION": "DELETE"}).status_code,
            owner.post(
                f"{base}/executionduration", data={"EXECUTIONDURATION": "9"}
            ).status_code,
            owner.delete(base).status_code,
        ]
        details = owner.get(f"{base}/results/transferDetails")
        assert set(found + changed) == {404}, other
        assert details.status_code == 404, other

    shown = owner.get(f"/vault/{home}/{job}")
    assert shown.status_code == 200
    assert ">ABORTED<" not in shown.text
    assert owner.delete(f"/vault/{home}/{job}").status_code == 303


def test_the_archive_of_a_transfer_is_at_its_address(owner: httpx.Client, folder: str) -> None:
    """Contract 1.6: what a negotiation with a security method answers is good as it stands."""
    method = '<vos:securityMethod uri="ivo://ivoa.net/sso#tls-with-certificate"/>'
    protocol = f'<vos:protocol uri="{CORE}httpget"'
    document = package_document([folder]).replace(
        f"{protocol}/>", f"{protocol}>{method}</vos:protocol>"
    )
    details = owner.post("/vault/synctrans", content=document).headers["location"]
    (endpoint,) = endpoints_of(owner.get(details).text)

    assert owner.get(endpoint).headers["content-type"] == "application/x-tar"
    assert owner.get(endpoint.removesuffix("/run")).status_code == 404
