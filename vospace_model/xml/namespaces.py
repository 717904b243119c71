"""The XML namespaces of the documents, and the prefixes under which we write them."""

from typing import Final

VOSPACE: Final = "http://www.ivoa.net/xml/VOSpace/v2.0"
"""One namespace for VOSpace 2.0 and 2.1; the documents carry the version."""

UWS: Final = "http://www.ivoa.net/xml/UWS/v1.0"
JOB_INFO: Final = "urn:vospace:job-info"
"""Our own, for what UWS leaves to each service to say in `jobInfo`."""

XLINK: Final = "http://www.w3.org/1999/xlink"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
VOSI_CAPABILITIES: Final = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
VOSI_AVAILABILITY: Final = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
VO_RESOURCE: Final = "http://www.ivoa.net/xml/VOResource/v1.0"
VO_DATA_SERVICE: Final = "http://www.ivoa.net/xml/VODataService/v1.1"

VOSPACE_VERSION: Final = "2.1"
UWS_VERSION: Final = "1.1"

XSI_NIL: Final = f"{{{XSI}}}nil"
XSI_TYPE: Final = f"{{{XSI}}}type"
XLINK_HREF: Final = f"{{{XLINK}}}href"

XML_MEDIA_TYPE: Final = "text/xml"
"""The content type of every document, without a charset (contract 7, case 23)."""
