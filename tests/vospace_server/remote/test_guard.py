"""The guard: no URL, however it is written, leads to what only this machine can reach."""

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model.faults import InvalidArgument, TransferFailed
from vospace_server.remote.guard import Guard, is_public

PUBLIC = "93.184.216.34"

TRICKY = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:53aa:64c:0:0:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://user@127.0.0.1/",
    "http://93.184.216.34@127.0.0.1/",
    "http://127.0.0.1\\@93.184.216.34/",
    "http://127.0.0.1#@93.184.216.34/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127.0.0.1%00.example.org/",
    "http:127.0.0.1/",
    "http:///",
    "http://127.0.0.1\n/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "ftp://93.184.216.34/",
    "dict://93.184.216.34:11211/",
    "http://93.184.216.34:99999/",
    "http://93.184.216.34:22/",
]


@pytest.mark.parametrize("url", TRICKY)
def test_a_tricky_url_is_refused(url: str) -> None:
    with pytest.raises((InvalidArgument, TransferFailed)):
        Guard().check(url)


@pytest.mark.parametrize(
    "url", [f"http://{PUBLIC}/", f"https://{PUBLIC}/x?y=z", "http://[2606:4700:4700::1111]/"]
)
def test_a_host_of_the_open_internet_is_let_through(url: str) -> None:
    checked = Guard().check(url)

    assert checked.url == url
    assert len(checked.addresses) == 1


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    guard = Guard(resolve=lambda _host, _port: [PUBLIC, "10.0.0.1"])

    with pytest.raises(InvalidArgument):
        guard.check("http://both.example.org/")


def test_a_name_is_looked_up_once_and_its_addresses_are_those_used() -> None:
    answers: list[Sequence[str]] = [[PUBLIC], ["127.0.0.1"]]
    guard = Guard(resolve=lambda _host, _port: answers.pop(0))

    checked = guard.check("http://rebinding.example.org/")

    assert checked.addresses == (PUBLIC,)
    with pytest.raises(InvalidArgument):
        guard.check("http://rebinding.example.org/")


def test_a_name_without_an_address_fails() -> None:
    def nothing(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(TransferFailed):
        Guard(resolve=nothing).check("http://nowhere.example.org/")
    with pytest.raises(TransferFailed):
        Guard(resolve=lambda _host, _port: []).check("http://nowhere.example.org/")


def test_the_operators_own_hosts_and_networks_are_allowed_with_every_port() -> None:
    guard = Guard.of_settings(["127.0.0.0/8"], ["Inside.example.org"], ["443"])
    own = Guard(allowed_hosts=guard.allowed_hosts, resolve=lambda _host, _port: ["10.1.2.3"])

    assert guard.check("http://127.0.0.1:8888/").port == 8888
    assert own.check("http://inside.example.org.:99/").addresses == ("10.1.2.3",)
    with pytest.raises(InvalidArgument):
        guard.check("http://10.0.0.1/")
    with pytest.raises(InvalidArgument):
        own.check("http://other.example.org/")
    with pytest.raises(InvalidArgument, match="port 80"):
        guard.check(f"http://{PUBLIC}/")


@pytest.mark.parametrize(("networks", "ports"), [(["nonsense"], ["80"]), ([], ["http"])])
def test_settings_that_mean_nothing_are_named(networks: list[str], ports: list[str]) -> None:
    with pytest.raises(ValueError, match="remote"):
        Guard.of_settings(networks, [], ports)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_dress(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    dresses = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]

    assert not any(is_public(dress) for dress in dresses)
