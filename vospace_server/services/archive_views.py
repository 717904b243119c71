"""Views that are archives: which there are, and what a transfer that names one asks for."""

from typing import Final

from vospace_model.faults import InvalidArgument, ViewNotSupported
from vospace_model.properties import Core
from vospace_model.views import View, ViewUri
from vospace_server.domain.archive_entries import ArchiveFormat

PROVIDED_ARCHIVES: Final = (ViewUri.TAR, ViewUri.ZIP)
"""What a container can be read as."""

ACCEPTED_ARCHIVES: Final = (ViewUri.TAR, ViewUri.TAR_GZ, ViewUri.ZIP)
"""What can be unpacked into a container."""

_FORMATS: Final = {ViewUri.TAR: ArchiveFormat.TAR, ViewUri.ZIP: ArchiveFormat.ZIP}
# The standard property's URI, used as the name of the view's parameter (contract 1.7).
_FORMAT_PARAM: Final = Core.FORMAT


def is_archive(view: View | None) -> bool:
    """Whether a view is an archive, whether it is offered or not."""
    return view is not None and (
        view.uri in ACCEPTED_ARCHIVES or view.uri == ViewUri.CADC_PACKAGE
    )


def is_package(view: View | None) -> bool:
    """Whether a view is CADC's package, of any number of targets of any type."""
    return view is not None and view.uri == ViewUri.CADC_PACKAGE


def provided_format(view: View) -> ArchiveFormat:
    """The archive that a view to read with asks for.

    Raises InvalidArgument for an unknown format of a package, ViewNotSupported for a view that
    is none of those provided.
    """
    if is_package(view):
        return ArchiveFormat.named(_format_param(view))
    if view.uri not in _FORMATS:
        raise ViewNotSupported(f"{view.uri}; containers come as {', '.join(PROVIDED_ARCHIVES)}")
    return _FORMATS[view.uri]


def _format_param(view: View) -> str | None:
    given = {param.value for param in view.params if param.uri == _FORMAT_PARAM}
    if len(given) > 1:
        raise InvalidArgument("a package has one format")
    return given.pop() if given else None
