"""`vospace-server state`, `vospace-server key rotate` and `vospace-server ca show`."""

import argparse

from vospace_server.commands.opening import open_space
from vospace_server.commands.tables import shown_time
from vospace_server.composition.access import build_certificates
from vospace_server.composition.services import TICKET_LIFE
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.service_state import ServiceMode
from vospace_server.services.service_states import ServiceStateService
from vospace_server.services.tickets import RELOAD_SECONDS, TicketService


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


def rotate_key(arguments: argparse.Namespace) -> int:
    """Lets addresses for bytes be signed with a new key."""
    with open_space(arguments) as space:
        tickets = TicketService(database=space.database, lifetime=TICKET_LIFE)
        tickets.rotate(at_once=arguments.at_once)
    print(f"addresses for bytes have a new key, in all servers within {RELOAD_SECONDS} s")
    if arguments.at_once:
        print("those handed out before are good no more; clients ask for new ones")
    else:
        minutes = round(TICKET_LIFE.total_seconds() / 60)
        print(f"those handed out before are good to their end, {minutes} minutes at most")
    return 0


def show_authority(arguments: argparse.Namespace) -> int:
    """Prints the certificates of our authority, made now if there is none yet."""
    with open_space(arguments) as space:
        print(build_certificates(space.config, space.database).pem(), end="")
    return 0
