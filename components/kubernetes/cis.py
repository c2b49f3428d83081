"""The CIS Kubernetes Benchmark 1.12 on clusters of kubeadm: what each item asks, and who sees to it. Pure.

Sections 1 to 4, those items that the benchmark counts, and others that we set. Numbers and values are those of
https://github.com/aquasecurity/kube-bench/tree/main/cfg/cis-1.12. Section 5 is about objects of people in the cluster.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

API, CONTROLLER, SCHEDULER, ETCD, KUBELET = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kubelet",
)
Who = Literal["kubeadm", "profile: cis", "you"]
Test = Literal["is", "is not", "has", "has not", "is set", "is not set", "is at least", "has only"]

CIPHERS = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)


@dataclass(frozen=True, slots=True)
class Argument:
    """What an argument of a program is to be, or a field of the kubelet's configuration."""

    number: str
    program: str
    name: str
    test: Test
    value: str = ""
    by: Who = "kubeadm"

    def __str__(self) -> str:
        name = self.name if self.program == KUBELET else f"--{self.name}"
        value = "strong ciphers" if self.test == "has only" else self.value
        return f"{self.program} {name} {self.test} {value}".rstrip()

    def wrong(self, seen: "Seen") -> str | None:
        """What is wrong with it; None if nothing is."""
        value = seen.arguments.get((self.program, self.name))
        if _TESTS[self.test](value, self.value):
            return None
        return f"{self.program} has {self.name} {'not set' if value is None else value}"


@dataclass(frozen=True, slots=True)
class File:
    """The owner of a file, and the most rights that it may give. A file that is absent passes."""

    number: str
    paths: tuple[str, ...]
    """Each one, or the beginning and the end of several with a * between them."""
    mode: int
    by: Who = "kubeadm"

    def __str__(self) -> str:
        return f"{' '.join(self.paths)}: root's, {self.mode:o} or less"

    def wrong(self, seen: "Seen") -> str | None:
        """What is wrong with it; None if nothing is."""
        for path, (mode, owner) in sorted(seen.files.items()):
            if any(_fits(path, form) for form in self.paths) and (mode & ~self.mode or owner != "root:root"):
                return f"{path} is {owner}'s, {mode:o}"
        return None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host has."""

    arguments: Mapping[tuple[str, str], str]
    """Of the programs that run, and the fields of the kubelet's configuration: by program and name."""
    files: Mapping[str, tuple[int, str]]
    """Mode and owner, by path."""


Item = Argument | File


def _words(value: str | None) -> set[str]:
    return set((value or "").split(","))


_TESTS: dict[str, Callable[[str | None, str], bool]] = {
    "is": lambda seen, value: seen == value,
    "is not": lambda seen, value: seen != value,
    "has": lambda seen, value: value in _words(seen),
    "has not": lambda seen, value: value not in _words(seen),
    "is set": lambda seen, _: bool(seen),
    "is not set": lambda seen, _: seen is None,
    "is at least": lambda seen, value: (seen or "").isdecimal() and int(seen or 0) >= int(value),
    "has only": lambda seen, value: seen is not None and _words(seen) <= _words(value),
}


def _fits(path: str, form: str) -> bool:
    start, star, end = form.partition("*")
    return path.startswith(start) and path.endswith(end) if star else path == form


ANONYMOUS = "authentication-config.anonymous.conditions"
"""What the file of this argument has: the only paths that are answered without signing in."""
_OURS: Who = "profile: cis"
_MANIFESTS = "/etc/kubernetes/manifests"
_PKI = "/etc/kubernetes/pki"

CONTROL_PLANE: Sequence[Item] = (
    File("1.1.1, 1.1.2", (f"{_MANIFESTS}/kube-apiserver.yaml",), 0o600),
    File("1.1.3, 1.1.4", (f"{_MANIFESTS}/kube-controller-manager.yaml",), 0o600),
    File("1.1.5, 1.1.6", (f"{_MANIFESTS}/kube-scheduler.yaml",), 0o600),
    File("1.1.7, 1.1.8", (f"{_MANIFESTS}/etcd.yaml",), 0o600),
    File("1.1.11", ("/var/lib/etcd",), 0o700),
    File("1.1.13, 1.1.14", ("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"), 0o600),
    File("1.1.15, 1.1.16", ("/etc/kubernetes/scheduler.conf",), 0o600),
    File("1.1.17, 1.1.18", ("/etc/kubernetes/controller-manager.conf",), 0o600),
    File("1.1.19, 1.1.20", (f"{_PKI}/*.crt",), 0o644),
    File("1.1.21", (f"{_PKI}/*.key",), 0o600),
    Argument("1.2.1", API, ANONYMOUS, "is set", by=_OURS),
    Argument("1.2.2", API, "token-auth-file", "is not set"),
    Argument("1.2.3", API, "enable-admission-plugins", "has", "DenyServiceExternalIPs", _OURS),
    Argument("1.2.4", API, "kubelet-client-certificate", "is set"),
    Argument("1.2.4", API, "kubelet-client-key", "is set"),
    Argument("1.2.5", API, "kubelet-certificate-authority", "is set", by="you"),
    Argument("1.2.6", API, "authorization-mode", "has not", "AlwaysAllow"),
    Argument("1.2.7", API, "authorization-mode", "has", "Node"),
    Argument("1.2.8", API, "authorization-mode", "has", "RBAC"),
    Argument("1.2.10", API, "enable-admission-plugins", "has not", "AlwaysAdmit"),
    Argument("1.2.12", API, "disable-admission-plugins", "has not", "ServiceAccount"),
    Argument("1.2.13", API, "disable-admission-plugins", "has not", "NamespaceLifecycle"),
    Argument("1.2.14", API, "enable-admission-plugins", "has", "NodeRestriction"),
    Argument("1.2.15", API, "profiling", "is", "false", _OURS),
    Argument("1.2.16, 3.2.1", API, "audit-log-path", "is set", by=_OURS),
    Argument("1.2.17", API, "audit-log-maxage", "is at least", "30", _OURS),
    Argument("1.2.18", API, "audit-log-maxbackup", "is at least", "10", _OURS),
    Argument("1.2.19", API, "audit-log-maxsize", "is at least", "100", _OURS),
    Argument("1.2.21", API, "service-account-lookup", "is not", "false"),
    Argument("1.2.22", API, "service-account-key-file", "is set"),
    Argument("1.2.23", API, "etcd-certfile", "is set"),
    Argument("1.2.23", API, "etcd-keyfile", "is set"),
    Argument("1.2.24", API, "tls-cert-file", "is set"),
    Argument("1.2.24", API, "tls-private-key-file", "is set"),
    Argument("1.2.25", API, "client-ca-file", "is set"),
    Argument("1.2.26", API, "etcd-cafile", "is set"),
    Argument("1.2.27, 1.2.28", API, "encryption-provider-config", "is set", by="you"),
    Argument("1.2.29", API, "tls-cipher-suites", "has only", ",".join(CIPHERS), _OURS),
    Argument("1.2.30", API, "service-account-extend-token-expiration", "is", "false", _OURS),
    Argument("1.3.2", CONTROLLER, "profiling", "is", "false", _OURS),
    Argument("1.3.3", CONTROLLER, "use-service-account-credentials", "is", "true"),
    Argument("1.3.4", CONTROLLER, "service-account-private-key-file", "is set"),
    Argument("1.3.5", CONTROLLER, "root-ca-file", "is set"),
    Argument("1.3.7", CONTROLLER, "bind-address", "is", "127.0.0.1"),
    Argument("1.4.1", SCHEDULER, "profiling", "is", "false", _OURS),
    Argument("1.4.2", SCHEDULER, "bind-address", "is", "127.0.0.1"),
    Argument("2.1", ETCD, "cert-file", "is set"),
    Argument("2.1", ETCD, "key-file", "is set"),
    Argument("2.2", ETCD, "client-cert-auth", "is", "true"),
    Argument("2.3", ETCD, "auto-tls", "is not", "true"),
    Argument("2.4", ETCD, "peer-cert-file", "is set"),
    Argument("2.4", ETCD, "peer-key-file", "is set"),
    Argument("2.5", ETCD, "peer-client-cert-auth", "is", "true"),
    Argument("2.6", ETCD, "peer-auto-tls", "is not", "true"),
    Argument("2.7", ETCD, "trusted-ca-file", "is", f"{_PKI}/etcd/ca.crt"),
)

UNITS = (
    "/etc/systemd/system/kubelet.service",
    "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/lib/systemd/system/kubelet.service",
    "/usr/lib/systemd/system/kubelet.service",
    "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
)
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"

NODE: Sequence[Item] = (
    File("4.1.1, 4.1.2", UNITS, 0o600, _OURS),
    File("4.1.5, 4.1.6", ("/etc/kubernetes/kubelet.conf",), 0o600),
    File("4.1.7, 4.1.8", (f"{_PKI}/ca.crt",), 0o644),
    File("4.1.9, 4.1.10", (KUBELET_CONFIG,), 0o600, _OURS),
    Argument("4.2.1", KUBELET, "authentication.anonymous.enabled", "is", "false"),
    Argument("4.2.2", KUBELET, "authorization.mode", "is", "Webhook"),
    Argument("4.2.3", KUBELET, "authentication.x509.clientCAFile", "is set"),
    Argument("4.2.4", KUBELET, "readOnlyPort", "has not", "10255"),
    Argument("4.2.6", KUBELET, "makeIPTablesUtilChains", "is not", "false"),
    Argument("4.2.10", KUBELET, "rotateCertificates", "is not", "false"),
)


def items(*, control_plane: bool) -> Sequence[Item]:
    """Those of a host."""
    return (*CONTROL_PLANE, *NODE) if control_plane else NODE


def arguments() -> dict[str, str]:
    """Of the API server, beside those of the audit log and of signing in."""
    return {
        "profiling": "false",
        "service-account-extend-token-expiration": "false",
        "tls-cipher-suites": ",".join(CIPHERS),
    }


ADMISSION = "DenyServiceExternalIPs"


def read(text: str) -> Seen:
    """From what cis.sh printed."""
    arguments: dict[tuple[str, str], str] = {}
    files: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "file":
            mode, owner, path = rest.split(" ", 2)
            files[path] = int(mode, 8), owner
        elif kind == "argument":
            program, name, value = (*rest.split(" ", 2), "")[:3]
            arguments[program, name] = value
    return Seen(arguments, files)


def table() -> Iterator[str]:
    """The table of docs/how-to/cis.md."""
    yield "| number | what | set by |"
    yield "| --- | --- | --- |"
    for item in (*CONTROL_PLANE, *NODE):
        yield f"| {item.number} | {item} | {item.by} |"
