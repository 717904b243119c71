"""Groups for the permission matrix."""

import secrets

import httpx

_GROUP = (
    '<group uri="ivo://cadc.nrc.ca/gms?{name}"><description>made by the matrix</description>'
    "<properties/><userMembers/><groupMembers/><userAdmins/><groupAdmins/></group>"
)


def group_document(name: str) -> str:
    """CADC's document of a group."""
    return _GROUP.format(name=name)


def made_group(owner: httpx.Client) -> str:
    """The name of a group of the owner's, to be changed or ended."""
    name = f"M-{secrets.token_hex(6)}"
    owner.put("/gms/groups", content=group_document(name)).raise_for_status()
    return name
