"""The list of the lab's hosts."""

from lab.hosts.inventory import GATEWAY, HOSTS, NETWORK


def test_each_host_has_an_address_of_its_own_in_the_labs_network() -> None:
    addresses = [host.address for host in HOSTS.values()]
    assert len({*addresses, GATEWAY}) == len(addresses) + 1
    assert {address.rpartition(".")[0] for address in addresses} == {str(NETWORK[0]).rpartition(".")[0]}
