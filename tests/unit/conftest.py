"""What many tests need: keys of nobody for the lab's site, a host in a folder, sitectl and pulumi without hosts."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.unit.fake_hosts import FakePulumi, Sitectl, pulumi, sitectl
from tests.unit.step_host import StepHost


@pytest.fixture(scope="module")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys as the lab makes them, of no value. The variable goes with the module: the lab's own tests may run next."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "apt").mkdir()
    (folder / "apt/key.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    (folder / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nthe-private-key\n")
    hosts = ("10.213.77.11", "10.213.77.21", "10.213.77.31", "10.213.77.41")
    (folder / "known_hosts").write_text("".join(f"{h} ssh-ed25519 {a_key(h)}\n" for h in hosts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPU_METAL_LAB", str(folder))
        yield folder


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """Steps run in it, in this test's folder."""
    return StepHost(tmp_path)


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    """`sitectl` in this test's folder."""
    return sitectl(tmp_path, monkeypatch)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """The `pulumi` that it asks."""
    return pulumi(tmp_path / "bin", monkeypatch)


def a_key(seed: str) -> str:
    """A well-formed ed25519 public key of nobody."""
    return b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + sha256(seed.encode()).digest()).decode()
