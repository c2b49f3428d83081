"""A source's key that expires, is extended, and comes in another form: by the step's own functions and the real gpg.

Does not prove: that apt takes the key; tests/scripts/test_packages.py does.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.runner_host import until
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.lab

APT = Path(__file__).parents[2] / "components/host/steps/apt_repository.sh"

EXPIRED = "gpg --batch --passphrase '' --faked-system-time 20200101T000000 --quick-gen-key old rsa2048 default 1d"


@pytest.fixture
def ring() -> Iterator[Path]:
    """A home of gpg. Its agent's sockets want a short path."""
    with tempfile.TemporaryDirectory(prefix="gm-", dir="/tmp") as folder:
        yield Path(folder)
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=True)
        until(lambda: not list(Path(folder).glob("S.*")))


@pytest.mark.row("H6")
def test_an_expired_key_is_told_from_an_extended_one_and_a_binary_one_is_armored(tmp_path: Path, ring: Path) -> None:
    host = StepHost(tmp_path)

    def gpg(line: str) -> bytes:
        env = {"GNUPGHOME": str(ring), "PATH": "/usr/bin:/bin"}
        return subprocess.run(["/bin/bash", "-c", line], env=env, check=True, capture_output=True).stdout

    gpg(EXPIRED)
    expired = gpg("gpg --export --armor")
    host.path("/old.gpg").write_bytes(expired.replace(b"\n", b"\r\n"))
    fingerprint = gpg("gpg --list-keys --with-colons | grep -m 1 ^fpr | cut -d: -f10").decode().strip()
    debian = host.path("/library/os/debian.sh")
    debian.write_text(debian.read_text() + 'fetch_file() { cp -- "${1#file://}" "$2"; }\n')
    given = {
        "name": "docker",
        "url": "https://m.example.org",
        "suite": "noble",
        "key_url": f"file://{host.path('/old.gpg')}",
        "fingerprint": fingerprint,
    }
    status, said = host.call(APT, "apply", given)
    assert status == 10
    assert "expired on 2020-01-02 by this host's clock (" in said
    assert not host.path("/etc/apt/keyrings").exists()
    gpg(f"gpg --batch --quick-set-expire {fingerprint} 10y")
    host.path("/old.gpg").write_bytes(gpg("gpg --export"))
    host.program("apt-get", "exit 0")
    host.program("apt-config", ":")
    assert host.call(APT, "apply", given) == (0, "")
    keyring = host.path("/etc/apt/keyrings/gpu-metal-docker.asc")
    assert keyring.read_text().startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert "the index of" in host.call(APT, "check", given)[1]
    keyring.write_bytes(expired)
    host.program("apt-get", f"[[ $1 != indextargets ]] || echo {keyring}")
    status, said = host.call(APT, "check", given)
    assert (status, "expired on 2020-01-02 by this host's clock (" in said) == (0, True), said
