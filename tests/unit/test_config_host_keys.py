"""Host keys from known_hosts files. The hashed lines were written by ssh-keygen -H; ssh itself is not asked here."""

import pytest

from stacks.known_hosts import KnownHosts, is_key

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInX87PUuhqH2X/L3NY0ybltkKHOZvuyHwR8MwJ0xeEO"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKETTCOiN8hpOGhNmbzRGy0rW7+WG3AjLf9rnt5kwNFt"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFHidLExSpI+kn4b7HTEsXFUSb0C"
    "14nIzx2NDGtxdSuLSJzap4JOuJFbx7L0gOmvYwyii+nkASeXM4XwUV7X3KY="
)
RSA = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCuTi8Q+8oGXX+8ouILyaTVfhwItJQIWqW1lj8XbEFVqKJdI+WCo2DLTVMRVSEh"
    "MoAqajB2oykSBzWKvZKqDXVQPumXif9xH8ZJcW1Oq52MsLticFQLF8A91Ubvte0x8RJonnosKs2Hl8tAvaudjYMXofdgfX4Mr1+v"
    "21GaMgIFx+iH7X93HKCz/lwGIeN7rjlW6PktzXANDZQYQO6AtOWSdSRxVeH2FHXi392LGuwb+hOYX+dUjBoMUADqnEGN4TlBJnHH"
    "9ZGbHZdeimJ8jsoIWwuvpGfIr1zaOG3tMg/GpMGnZaVuHcuQtinUAwp+J7Tci8rOjjGC53gz11GQJAZp"
)
HASHED = "|1|uMdopmpLp01JXqt8IgjVYfKitwU=|w2Sqh0k2g/FAB1l/SWOaAe5YjDc="
"""10.0.0.7"""
HASHED_PORT = "|1|L6vj8gIS4wGruCsM3z8bvWVdhJ8=|xNY3oQjGW31qGiQQCWjNSG6AwAI="
"""[10.0.0.7]:2222"""


@pytest.mark.row("H18")
@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"10.0.0.7 {ED25519}", "10.0.0.7"),
        (f"gpu-1,10.0.0.7 {ED25519} ana@laptop", "10.0.0.7"),
        (f"GPU-1 {ED25519}", "gpu-1"),
        (f"[10.0.0.7]:2222 {ED25519}", "[10.0.0.7]:2222"),
        (f"10.0.*,!10.0.0.8 {ED25519}", "10.0.0.7"),
        (f"[10.0.0.?]:* {ED25519}", "[10.0.0.7]:2222"),
        (f"{HASHED} {ED25519}", "10.0.0.7"),
        (f"{HASHED_PORT} {ED25519}", "[10.0.0.7]:2222"),
    ],
)
def test_a_host_is_found(line: str, name: str) -> None:
    assert KnownHosts(f"# keys\n\n{line}\n").find("no-such-name", name) == ED25519


@pytest.mark.row("H18")
@pytest.mark.parametrize(
    "line",
    [
        f"10.0.0.8 {ED25519}",
        f"10.0.*,!10.0.0.7 {ED25519}",
        f"[10.0.0.7]:2222 {ED25519}",
        f"{HASHED_PORT} {ED25519}",
        f"|1|broken|line {ED25519}",
        f"|1|one {ED25519}",
        f"@cert-authority 10.0.0.7 {ED25519}",
        f"@revoked * {ED25519}\n10.0.0.7 {ED25519}",
        f"# 10.0.0.7 {ED25519}",
        "10.0.0.7 ssh-ed25519",
        "10.0.0.7 ssh-dss AAAAB3NzaC1kc3MAAACBAP",
    ],
)
def test_a_host_is_not_found(line: str) -> None:
    assert KnownHosts(line).find("10.0.0.7") is None


def test_ed25519_comes_before_ecdsa_before_rsa() -> None:
    lines = [f"10.0.0.7 {key}\n" for key in (RSA, ECDSA, ED25519)]
    assert [KnownHosts("".join(lines[:count])).find("10.0.0.7") for count in (1, 2, 3)] == [RSA, ECDSA, ED25519]


def test_the_first_name_with_a_key_wins() -> None:
    assert KnownHosts(f"gpu-1 {OTHER}\n10.0.0.7 {RSA}\n").find("10.0.0.7", "gpu-1") == RSA


@pytest.mark.parametrize("key", [ED25519, OTHER, ECDSA, RSA, f"{ED25519} comment"])
def test_keys_are_keys(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize(
    "key", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 ~", RSA.replace("ssh-rsa", "ssh-ed25519", 1)]
)
def test_other_texts_are_not(key: str) -> None:
    assert not is_key(key)
