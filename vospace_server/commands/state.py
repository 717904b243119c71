"""`vospace-server state` and `vospace-server ca show`."""

import argparse

from vospace_server.commands.opening import open_space
from vospace_server.commands.tables import shown_time
from vospace_server.composition.access import build_certificates
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.service_state import ServiceMode
from vospace_server.services.service_states import ServiceStateService


def state(arguments: argparse.Namespace) -> int:
    """Shows the state of the service, or changes it."""
    with open_space(arguments) as space:
        states = ServiceStateService(database=space.database)
        if arguments.mode is not None:
            now = states.change(ServiceMode.parse(arguments.mode), by=OPERATOR)
            print(f"the service is {now.mode.label}; every process follows within a second")
            return 0
        now = states.current()
    since = "" if now.since is None else f" since {shown_time(now.since)}, by {now.by}"
    print(f"the service is {now.mode.label}{since}")
    return 0


def show_authority(arguments: argparse.Namespace) -> int:
    """Prints the certificates of our authority, made now if there is none yet."""
    with open_space(arguments) as space:
        print(build_certificates(space.config, space.database).pem(), end="")
    return 0
