"""Openings written as rules of nftables, firewalld and ufw. Pure; the steps firewall_*.sh install them.

All three filter traffic to the host itself. Forwarded traffic is left to the pod network and the container engine.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network
from xml.sax.saxutils import quoteattr

from components.host.openings import Network, Opening, collapsed

_NFT = """\
# gpu-metal: replaces its own table at once, and touches no other
table inet gpu_metal
delete table inet gpu_metal
table inet gpu_metal {{
    set site4 {{
        type ipv4_addr
        flags interval
{site4}    }}
    set site6 {{
        type ipv6_addr
        flags interval
{site6}    }}
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iifname "lo" accept
        meta l4proto {{ 1, 58 }} accept comment "ICMP, ICMPv6: by number, a small system has no /etc/protocols"
{rules}    }}
}}
"""


def nftables(openings: Sequence[Opening], site: Sequence[Network]) -> str:
    """A file for `nft -f`: one table of our own, replaced as a whole."""
    four, six = _families(site)
    rules = "".join(f"        {line}\n" for opening in openings for line in _nft_rules(opening))
    return _NFT.format(site4=_elements(four), site6=_elements(six), rules=rules)


def _elements(networks: Sequence[Network]) -> str:
    return f"        elements = {{ {', '.join(map(_short, networks))} }}\n" if networks else ""


def _nft_rules(opening: Opening) -> list[str]:
    rule = f'{opening.protocol} dport {opening.port} accept comment "{opening.name}"'
    if opening.sources == "any":
        return [rule]
    if opening.sources == "site":
        return [f"ip saddr @site4 {rule}", f"ip6 saddr @site6 {rule}"]
    return [
        f"{match} saddr {{ {', '.join(map(_short, networks))} }} {rule}"
        for match, networks in zip(("ip", "ip6"), _families(opening.sources), strict=True)
        if networks
    ]


def firewalld_zone(openings: Sequence[Opening]) -> str:
    """The zone gpu-metal (firewalld.zone(5)): the host's default."""
    lines = [f"  {line}" for opening in openings for line in _zone_lines(opening)]
    return _xml("<zone>", "  <short>gpu-metal</short>", *lines, "</zone>")


def firewalld_ipset(networks: Sequence[Network], *, family: str) -> str:
    """The site's networks of one family (firewalld.ipset(5))."""
    option = ['  <option name="family" value="inet6"/>'] if family == "ipv6" else []
    entries = [f"  <entry>{network}</entry>" for network in _families(networks)[family == "ipv6"]]
    return _xml('<ipset type="hash:net">', *option, *entries, "</ipset>")


def firewalld_policy() -> str:
    """A policy that accepts forwarded traffic: without it, firewalld rejects that of pods (firewalld.policy(5))."""
    zones = ('  <ingress-zone name="ANY"/>', '  <egress-zone name="ANY"/>')
    return _xml('<policy target="ACCEPT">', "  <short>gpu-metal</short>", *zones, "</policy>")


def _zone_lines(opening: Opening) -> list[str]:
    port = f"<port port={quoteattr(opening.port)} protocol={quoteattr(opening.protocol)}/>"
    if opening.sources == "any":
        return [port]
    if opening.sources == "site":
        sources = [(family, f'ipset="gpu-metal-site{family[-1]}"') for family in ("ipv4", "ipv6")]
    else:
        sources = [(f"ipv{network.version}", f'address="{network}"') for network in collapsed(opening.sources)]
    return [f'<rule family="{family}"><source {source}/>{port}<accept/></rule>' for family, source in sources]


def _xml(*lines: str) -> str:
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', *lines])


def ufw_rules(openings: Sequence[Opening], site: Sequence[Network], *, family: str) -> str:
    """The lines between RULES and END RULES in user.rules or user6.rules, as ufw itself writes them."""
    lines: list[str] = []
    for opening in openings:
        for source in _ufw_sources(opening, site, six=family == "ipv6"):
            lines += _ufw_rule(opening, source, *_UFW[family])
    return "\n".join(lines)


def _ufw_sources(opening: Opening, site: Sequence[Network], *, six: bool) -> list[str | None]:
    if opening.sources == "any":
        return [None]
    networks = site if opening.sources == "site" else collapsed(opening.sources)
    return [_short(network) for network in _families(networks)[six]]


_UFW = {"ipv4": ("ufw-user-input", "0.0.0.0/0"), "ipv6": ("ufw6-user-input", "::/0")}


def _ufw_rule(opening: Opening, source: str | None, chain: str, anywhere: str) -> list[str]:
    port, comment = opening.port.replace("-", ":"), f"gpu-metal {opening.name}".encode().hex()
    to = f"-m multiport --dports {port}" if ":" in port else f"--dport {port}"
    of = f" -s {source}" if source else ""
    return [
        f"### tuple ### allow {opening.protocol} {port} {anywhere} any {source or anywhere} in comment={comment}",
        f"-A {chain} -p {opening.protocol} {to}{of} -j ACCEPT",
    ]


def _families(networks: Sequence[Network]) -> tuple[list[Network], list[Network]]:
    merged = collapsed(networks)
    return (
        [network for network in merged if isinstance(network, IPv4Network)],
        [network for network in merged if not isinstance(network, IPv4Network)],
    )


def _short(network: Network) -> str:
    """A network of a single address without its prefix length."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)
