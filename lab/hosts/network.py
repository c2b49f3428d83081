"""The lab's switch: one bridge with the lab's address, and masquerading to the outside; `down` finds all by name."""

from pathlib import Path

from lab import paths
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, GATEWAY, NETWORK

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
FORWARD_BEFORE = paths.RUN / "ip_forward"
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
    """Bridge, address, forwarding and masquerade; what is there already is left alone."""
    if is_up():
        return
    if not FORWARD_BEFORE.exists():
        FORWARD_BEFORE.write_text(FORWARD.read_text())
    FORWARD.write_text("1\n")
    run("nft", "-f", "-", stdin=f"table ip {TABLE}\ndelete table ip {TABLE}\n{RULES}")
    if "-P FORWARD DROP" in run("iptables", "-S"):
        for way in PASSES:
            run("iptables", "-I", "FORWARD", *way, "-j", "ACCEPT")
    # An address of its own: a bridge without one changes it whenever a host comes or goes.
    run("ip", "link", "add", BRIDGE, "address", "02:67:6d:00:00:01", "type", "bridge")
    run("ip", "address", "add", f"{GATEWAY}/{NETWORK.prefixlen}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def down() -> None:
    """Takes away what up() made, also when only a part of it is there."""
    if is_up():
        run("ip", "link", "delete", BRIDGE)
    if f"table ip {TABLE}\n" in run("nft", "list", "tables"):
        run("nft", "delete", "table", "ip", TABLE)
    rules = run("iptables", "-S").splitlines()
    for way in PASSES:
        if f"-A FORWARD {' '.join(way)} -j ACCEPT" in rules:
            run("iptables", "-D", "FORWARD", *way, "-j", "ACCEPT")
    if FORWARD_BEFORE.exists():
        FORWARD.write_text(FORWARD_BEFORE.read_text())
        FORWARD_BEFORE.unlink()
