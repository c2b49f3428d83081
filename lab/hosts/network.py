"""The lab's switch: one bridge with the lab's address, and masquerading to the outside; `down` finds all by name."""

from pathlib import Path

from lab import paths
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, GATEWAY, NETWORK

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
"""All hosts share them: a dozen hosts use up the usual 128, and the next one does not boot."""
SETTINGS = {FORWARD: 1, INSTANCES: 2048}
"""This machine's settings while the lab runs; a larger number stays."""
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


def before(setting: Path) -> Path:
    """The file that keeps what the setting was before the lab."""
    return paths.RUN / setting.name


def is_up() -> bool:
    """Whether the bridge is there."""
    return Path("/sys/class/net", BRIDGE).exists()


def up() -> None:
    """Makes bridge, address, forwarding and masquerading, unless the bridge is there already."""
    if is_up():
        return
    for setting, least in SETTINGS.items():
        if not before(setting).exists():
            before(setting).write_text(setting.read_text())
        if int(setting.read_text()) < least:
            setting.write_text(f"{least}\n")
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
    for setting in SETTINGS:
        if before(setting).exists():
            setting.write_text(before(setting).read_text())
            before(setting).unlink()
