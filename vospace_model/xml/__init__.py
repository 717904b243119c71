"""The documents of the standard, both ways. Imported by the two HTTP edges only."""

from vospace_model.xml.groups import read_group, write_group, write_groups
from vospace_model.xml.jobs import (
    read_job,
    write_job,
    write_job_list,
    write_parameters,
    write_results,
)
from vospace_model.xml.namespaces import XML_MEDIA_TYPE
from vospace_model.xml.nodes import (
    iter_node_document,
    read_node,
    read_node_update,
    write_node,
    write_node_update,
)
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES, MAX_RESPONSE_BYTES
from vospace_model.xml.service_metadata import (
    asks_for_protocols,
    write_properties_document,
    write_protocols_document,
    write_views_document,
)
from vospace_model.xml.transfers import read_transfer, write_transfer
from vospace_model.xml.vosi import (
    read_availability,
    read_capabilities,
    write_availability,
    write_capabilities,
)

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "MAX_RESPONSE_BYTES",
    "XML_MEDIA_TYPE",
    "asks_for_protocols",
    "iter_node_document",
    "read_availability",
    "read_capabilities",
    "read_group",
    "read_job",
    "read_node",
    "read_node_update",
    "read_transfer",
    "write_availability",
    "write_capabilities",
    "write_group",
    "write_groups",
    "write_job",
    "write_job_list",
    "write_node",
    "write_node_update",
    "write_parameters",
    "write_properties_document",
    "write_protocols_document",
    "write_results",
    "write_transfer",
    "write_views_document",
]
