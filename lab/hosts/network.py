"""The lab's switch: one bridge with the lab's address, and masquerading to the outside; `down` finds all by name."""

from pathlib import Path

from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, GATEWAY, NETWORK

TABLE = "gm_lab"
RULES = f"""
table ip {TABLE} {{
  chain out {{
    type nat hook postrouting priority srcnat
    ip saddr {NETWORK} oifname != "{BRIDGE}" masquerade
  }}
}}
"""
PASSES = (("-i", BRIDGE), ("-o", BRIDGE))  # for a machine whose FORWARD policy is to drop, as Docker sets it


def is_up() -> bool:
    """Whether the bridge is there."""
    return Path("/sys/class/net", BRIDGE).exists()


def up() -> None:
    """Makes bridge, address and masquerading, unless the bridge is there already."""
    if is_up():
        return
    run("nft", "-f", "-", stdin=f"table ip {TABLE}\ndelete table ip {TABLE}\n{RULES}")
    if "-P FORWARD DROP" in run("iptables", "-S"):
        for way in PASSES:
            run("iptables", "-I", "FORWARD", *way, "-j", "ACCEPT")
    # An address of its own: a bridge without one changes it whenever a host comes or goes.
    run("ip", "link", "add", BRIDGE, "address", "02:67:6d:00:00:01", "type", "bridge")
    run("ip", "address", "add", f"{GATEWAY}/{NETWORK.prefixlen}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def down() -> None:
    """Removes what up() made, also when only a part of it is there."""
    if is_up():
        run("ip", "link", "delete", BRIDGE)
    if f"table ip {TABLE}\n" in run("nft", "list", "tables"):
        run("nft", "delete", "table", "ip", TABLE)
    rules = run("iptables", "-S").splitlines()
    for way in PASSES:
        if f"-A FORWARD {' '.join(way)} -j ACCEPT" in rules:
            run("iptables", "-D", "FORWARD", *way, "-j", "ACCEPT")
