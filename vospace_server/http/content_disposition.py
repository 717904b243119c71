"""The name that a download is saved under (RFC 6266, with RFC 8187 for what is not ASCII)."""

import re
from urllib.parse import quote

# What may stand between quotation marks in a header and survives every client.
_UNSAFE = re.compile(r"[^ !#$&\'()+,\-.0-9=@A-Z\[\]^_`a-z{}~]")


def attachment(name: str) -> str:
    """The value of Content-Disposition for a file of this name.

    Names that ASCII can't hold come twice: altered for old clients, exact for the others.
    """
    plain = _UNSAFE.sub("_", name)
    if plain == name and name.isascii():
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
