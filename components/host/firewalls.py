"""Openings written as rules of nftables, firewalld and ufw. Pure; the steps firewall_*.sh install them.

All three filter traffic to the host itself. Forwarded traffic is left to the pod network and the container engine,
except what Docker forwards to the ports that its containers publish: `published` filters it, beside each of the three.
"""

from collections.abc import Sequence
from html import escape
from ipaddress import IPv4Network

from components.host.openings import Network, Opening, collapsed

_VRRP = 112
"""By number: a small system has no /etc/protocols. https://www.rfc-editor.org/rfc/rfc5798#section-5.1.1.4"""

_NFT = """\
# gpu-metal: replaces its own table at once, and touches no other
table inet {table}
delete table inet {table}
table inet {table} {{
    set site4 {{
        type ipv4_addr
        flags interval
{site4}    }}
    set site6 {{
        type ipv6_addr
        flags interval
{site6}    }}
{chains}}}
"""

_INPUT = """\
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iifname "lo" accept
        meta l4proto {{ 1, 58 }} accept comment "ICMP, ICMPv6: by number, a small system has no /etc/protocols"
{rules}    }}
"""

_FORWARD = """\
    chain forward {{
        type filter hook forward priority 0; policy accept;
        ct state established,related accept
        ct status dnat jump published
    }}
    chain published {{
        iifname {{ "docker0", "docker_gwbridge" }} accept comment "from this host's containers"
        iifname "br-*" accept comment "from this host's containers"
{rules}        drop
    }}
"""


def nftables(openings: Sequence[Opening], site: Sequence[Network]) -> str:
    """A file for `nft -f`: one table of our own, replaced as a whole."""
    rules = [line for opening in openings for line in _nft_rules(opening, _nft_match(opening))]
    return _nft("gpu_metal", _INPUT, rules, site)


def _nft_match(opening: Opening) -> str:
    if opening.protocol == "vrrp":
        return f"meta l4proto {_VRRP}"
    return f"{opening.protocol} dport {opening.port}"


def published(openings: Sequence[Opening], site: Sequence[Network]) -> str:
    """The same for connections that this host forwards to another address than they asked for (DNAT), as Docker does
    for published ports. The port is the one that was asked for.

    A drop here holds whatever Docker's own rules accept. firewalld, ufw and Docker leave other tables alone when they
    load their rules again, so it does not hang on their order, unlike rules in the chain DOCKER-USER.
    """
    port = "meta l4proto {0.protocol} ct original proto-dst {0.port}"
    with_ports = [opening for opening in openings if opening.protocol != "vrrp"]
    rules = [line for opening in with_ports for line in _nft_rules(opening, port.format(opening))]
    return _nft("gpu_metal_published", _FORWARD, rules, site)


def _nft(table: str, chains: str, rules: Sequence[str], site: Sequence[Network]) -> str:
    four, six = _families(site)
    text = chains.format(rules="".join(f"        {line}\n" for line in rules))
    return _NFT.format(table=table, site4=_elements(four), site6=_elements(six), chains=text)


def _elements(networks: Sequence[Network]) -> str:
    return f"        elements = {{ {', '.join(map(_short, networks))} }}\n" if networks else ""


def _nft_rules(opening: Opening, match: str) -> list[str]:
    rule = f'{match} accept comment "{opening.name}"'
    if opening.sources == "any":
        return [rule]
    if opening.sources == "site":
        return [f"ip saddr @site4 {rule}", f"ip6 saddr @site6 {rule}"]
    return [
        f"{family} saddr {{ {', '.join(map(_short, networks))} }} {rule}"
        for family, networks in zip(("ip", "ip6"), _families(opening.sources), strict=True)
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
    port = f'<port port="{escape(opening.port)}" protocol="{escape(opening.protocol)}"/>'
    if opening.protocol == "vrrp":
        port = '<protocol value="vrrp"/>'
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
    if opening.protocol == "vrrp":
        # ufw before 0.36.2 does not know it, and leaves a rule alone that it has no tuple for.
        return [f"-A {chain} -p {_VRRP}{of} -j ACCEPT"]
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
