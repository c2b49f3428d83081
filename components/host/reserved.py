"""Names of users and groups that a system brings: a step would change their shell and password, and delete them.

Rows: H4.
"""

import re

from components.shown import quoted

_NAMES = frozenset(
    {
        *("root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy"),
        *("www-data", "backup", "list", "irc", "gnats", "nobody", "nogroup", "adm", "tty", "disk", "kmem"),
        *("dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "operator", "src"),
        *("shadow", "utmp", "video", "sasl", "plugdev", "staff", "users", "halt", "shutdown", "ftp", "mem"),
        *("wheel", "cgred", "lock", "input", "kvm", "render", "sgx", "crontab", "apache", "avahi"),
        *("chrony", "clevis", "containerd", "dbus", "dnsmasq", "docker", "etcd", "gdm"),
        *("haproxy", "kube", "libvirt", "lxd", "messagebus", "mongodb", "mongod", "munge", "mysql"),
        *("nfsnobody", "nginx", "ntp", "nvidia-persistenced", "openvpn", "podman", "polkitd", "postfix"),
        *("postgres", "pulse", "redis", "rpc", "rpcuser", "rtkit", "saslauth", "sgx", "slurm", "snapd", "snmp"),
        *("ssh", "sshd", "sssd", "ssl-cert", "statd", "stunnel", "syslog", "systemd", "tcpdump", "tss"),
        *("unbound", "usbmux", "utempter", "uuidd"),
    }
)
"""The static users and groups of Debian (base-passwd) and RHEL (setup), and those of packages a host may have."""
_PREFIXES = re.compile(r"(systemd|dbus|gpu-metal)-|_")


def not_free(name: str) -> str | None:
    """Why a site may not create an account of this name; None if it may."""
    if name in _NAMES or _PREFIXES.match(name):
        text = "is an account of the system or of a package, which a step would change, and delete in the end"
        return f"{quoted(name)} {text}. Use another name."
    return None
