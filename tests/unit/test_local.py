"""Files that a site names: what must be in them. The files are made here, with their dates."""

import base64
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.local import AuthorityFile, CertificateFile, Holds, PrivateKeyFile, PublicKeyFile, VendorFile
from components.model import LocalPath
from components.openpgp import end
from ops import expiry
from stacks.checks import notes
from stacks.faults import SiteError
from stacks.load import load_site
from stacks.model import Site, site_model
from tests.self_signed import self_signed
from tests.unit.test_folders import fields
from tests.unit.test_layers_in_a_row import plan_of

DAY = timedelta(days=1)


def certificate(
    *, first: int = -1, last: int = 1, names: tuple[str, ...] = ("gpu-1",), authority: bool | None = None
) -> bytes:
    """A certificate in DER form, valid from and to so many days from now."""
    sans = [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
    extensions: list[x509.ExtensionType] = [x509.SubjectAlternativeName(sans)] if sans else []
    if authority is not None:
        extensions.append(x509.BasicConstraints(ca=authority, path_length=None))
    made = self_signed(ec.generate_private_key(ec.SECP256R1()), "lab", *extensions, first=first, last=last)
    return made.public_bytes(serialization.Encoding.DER)


def pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def trouble(kind: Any, path: Path) -> str:
    [holds] = [mark for mark in get_args(kind) if isinstance(mark, Holds)]
    return holds.trouble(path) or ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: pem(certificate()), ""),
        (lambda: pem(certificate()) + pem(certificate(first=-9, last=-2)), ""),
        (lambda: pem(certificate(first=2, last=9)), "has a certificate that is not valid before 20"),
        (certificate, "is binary. Convert it: openssl x509 -inform der -in file -out file.pem"),
        (lambda: b"nothing", "has no certificate in PEM form"),
        (lambda: pem(certificate()) + b"-----BEGIN EC PRIVATE KEY-----\n", "has a private key in it"),
        (lambda: b" " * 5_000_000, "has more than 4 MiB"),
    ],
    ids=["good", "old", "young", "binary", "text", "key", "large"],
)
def test_a_certificate_file(tmp_path: Path, content: Callable[[], bytes], said: str) -> None:
    (tmp_path / "file").write_bytes(content())
    found = trouble(CertificateFile, tmp_path / "file")
    assert found.startswith(f'"file" {said}') if said else found == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: pem(certificate(authority=True)) * 2, ""),
        (lambda: pem(certificate(authority=False)), "has a certificate that is not an authority's"),
        (lambda: pem(certificate(authority=True)) + pem(certificate()), "has a certificate that is not an authority's"),
        (lambda: pem(certificate(authority=True, first=-9, last=-2)), ""),
        (lambda: b"nothing", "has no certificate in PEM form"),
    ],
    ids=["good", "leaf", "without the mark", "old", "text"],
)
def test_a_file_of_authorities(tmp_path: Path, content: Callable[[], bytes], said: str) -> None:
    (tmp_path / "file").write_bytes(content())
    found = trouble(AuthorityFile, tmp_path / "file")
    assert found.startswith(f'"file" {said}') if said else found == ""


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        (PublicKeyFile, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", ""),
        (PublicKeyFile, "\0\x99", '"file" is binary. Write the vendor'),
        (PublicKeyFile, "<html>", '"file" has no armored public key'),
        (PublicKeyFile, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", '"file" has a private key in it'),
        (PrivateKeyFile, "-----BEGIN OPENSSH PRIVATE KEY-----\n", ""),
        (PrivateKeyFile, "ssh-ed25519 AAAAC3Nza ana@desk\n", '"file" is a public key'),
        (VendorFile, "\0any", ""),
        (PrivateKeyFile, "hunter2", '"file" has no private key'),
    ],
)
def test_a_key_file(tmp_path: Path, kind: Any, content: str, said: str) -> None:
    (tmp_path / "file").write_text(content)
    found = trouble(kind, tmp_path / "file")
    assert found.startswith(said) if said else found == ""
    assert "hunter2" not in found


def test_a_binary_public_key_is_as_good(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x99\x01\x0d\x04\xff\x00")
    assert trouble(PublicKeyFile, tmp_path / "file") == ""


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    for kind in (PublicKeyFile, VendorFile):
        assert trouble(kind, tmp_path / "none").startswith(f'there is no file "none" in {tmp_path}.')
        assert trouble(kind, tmp_path) != ""
    assert "cannot be read: Is a directory" in trouble(PublicKeyFile, tmp_path)
    assert trouble(PrivateKeyFile, tmp_path / "none") == ""


SITE = """config:
  gpu-metal:site:
    ssh: {keyFile: id_of_ana}
    domain: example.org
    hosts: {gpu-1: {address: 10.0.0.11}}
    engine: {package: containerd}
    registry: {host: gpu-1, passwordSecret: registry, keySecret: key, certificate: r.crt}
"""


def registry(folder: Path, *names: str) -> Site:
    """The site whose registry has a certificate of these names."""
    (folder / "Pulumi.lab.yaml").write_text(SITE)
    (folder / "r.crt").write_bytes(pem(certificate(names=names)))
    return load_site("lab", folder, keys=False)


def expiring(folder: Path, days: int) -> None:
    """Writes the site, with a chain whose second certificate ends so many days from now."""
    registry(folder, "gpu-1")
    (folder / "r.crt").write_bytes(
        pem(certificate(last=90)) + pem(certificate(first=-99, last=days)) + pem(certificate(last=91))
    )


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("days", "says", "status"),
    [(60, None, "ok"), (9, "that ends in 8 days, on 20", "note"), (-2, "that expired on 20", "failed")],
)
def test_that_a_certificate_ends_is_said_and_stops_nothing(
    tmp_path: Path, days: int, says: str | None, status: str
) -> None:
    """It ends by itself: a site that was right the day before must take other changes."""
    expiring(tmp_path, days)
    site = load_site("lab", tmp_path, keys=False)
    said = [note for note in notes(site) if note.startswith("registry.certificate: ")]
    assert len(said) == (says is not None)
    for note in said:
        assert note.startswith(f'registry.certificate: "r.crt" has a certificate ("CN=lab") {says}')
        assert note.endswith("Renew it: the next pulumi up takes up the new file.")
    [check] = expiry.checks(site)
    assert (check.id, check.host, check.status) == ("file/registry.certificate", "lab", status)
    assert check.fix == ("" if status == "ok" else "put a new one into registry.certificate, then pulumi up")


def test_a_run_warns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expiring(tmp_path, 9)
    warned: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", warned.append)
    site = load_site("lab", tmp_path, keys=False)
    (tmp_path / "id_of_ana").write_text("a key")
    plan_of(site)
    [note] = warned
    assert note.startswith("registry.certificate: ")


ARMORED = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n"
OLD = """\
mDMEXgvhABYJKwYBBAHaRw8BAQdAgiFOAUxa8LgjemHxzbp627IvNALdq/IpSMvN
lwe2GXe0A29sZIiWBBMWCAA+FiEEPwWrY+E9MxIILbTYnrv7Iw84xyoFAl4L4QAC
GwMFCQABUYAFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQnrv7Iw84xyqqOQD/
bMaP06g55dnMrhsOY/Dkin5TAk0dQsecrol7GCC4EmUA/R2rdlEI7zVGwDiK/yUU
b2ubxxFwlB7X//myN2Mj7vQI
=rYxd"""
SUBKEY = """\
mDMEXgvhABYJKwYBBAHaRw8BAQdAFsu13t497KibswG94BrhStnDRUJnN9967bD4
itNAI0G0A3N1YoiQBBMWCAA4FiEEZAy261z3mZ5gBvMUhVxasUo2tDgFAl4L4QAC
GwEFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQhVxasUo2tDiH9AEAozViUxyz
xwJgLS08PbAYDAFsrl5KSbaICl8qlTR5oM0BAMzgtwv09ev+zxZ+syxUeRPnsavL
2NY7lj7e8vW2Rz8FuDMEXgvhABYJKwYBBAHaRw8BAQdA0YwjpRn1tL+5bA93FnL+
RotvGo9iZAUGUS5UThIriHGI9QQYFggAJhYhBGQMtutc95meYAbzFIVcWrFKNrQ4
BQJeC+EAAhsCBQkAAVGAAIEJEIVcWrFKNrQ4diAEGRYIAB0WIQTTYVfGj9fThVdW
Prpc++b4gHXl9AUCXgvhAAAKCRBc++b4gHXl9G+4APsF0vPjKLJcCYTms6+5jSFf
17mhlKsiviPznBx4qwLE5wEAkQdeM4bzm+rlhGWopOh0tX6cFBTpxlQTImjZ8jZD
5gS0VgD/ZQDtP1Y+3Em1QhodakgHhwtvG16J/2sDpD07XyhJR9kBAOhC2j+lNtFP
v+Niw5KjSKNecymM3nVctIlA3hkIFy4D
=ivh2"""
"""Both by gpg of 2020-01-01, for one day; the second one's primary key is for ever, and only certifies."""


@pytest.mark.row("H6")
@pytest.mark.parametrize("key", [OLD, SUBKEY], ids=["key", "subkey"])
@pytest.mark.parametrize("form", ["armored", "windows", "binary"])
def test_when_the_key_of_a_package_source_ends(tmp_path: Path, key: str, form: str) -> None:
    armored = ARMORED.format(key).encode()
    bare = base64.b64decode("".join(key.splitlines()[:-1]))
    content = {"armored": armored, "windows": armored.replace(b"\n", b"\r\n"), "binary": bare}[form]
    file = tmp_path / "vendor.gpg"
    file.write_bytes(content)
    [holds] = [mark for mark in get_args(PublicKeyFile) if isinstance(mark, Holds)]
    assert holds.trouble(file) is None
    ending = holds.ending(file)
    assert ending
    assert (ending.what, ending.when.isoformat()) == ("a key", "2020-01-02T00:00:00+00:00")


def test_of_a_key_that_is_cut_short_or_none_nothing_is_said() -> None:
    bare = base64.b64decode("".join(SUBKEY.splitlines()[:-1]))
    assert end(bare[:30]) is None
    assert end(b"") is None
    assert end(b"\0\1\2") is None
    assert end(bare[: bare.index(b"sub") + 3]) is None  # no signature says when it ends


@pytest.mark.parametrize("name", ["gpu-1", "GPU-1.example.org", "*.example.org", "10.0.0.11"])
def test_a_registrys_certificate_is_for_its_host(tmp_path: Path, name: str) -> None:
    assert registry(tmp_path, "other.org", name).registry


@pytest.mark.parametrize("names", [(), ("other.org", "10.0.0.12"), ("*.org",)])
def test_a_registrys_certificate_for_another_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(SiteError) as error:
        registry(tmp_path, *names)
    shown = ", ".join(f'"{name}"' for name in names) or "no name"
    assert error.value.lines == [
        f'Pulumi.lab.yaml:7 registry.certificate: "r.crt" is for {shown}, not for its host. '
        "Get one for gpu-1 or gpu-1.example.org or 10.0.0.11."
    ]


def test_a_key_that_this_machine_lacks_is_a_note(tmp_path: Path) -> None:
    """A machine that only checks the site needs no key."""
    said = f'ssh.keyFile: there is no file "id_of_ana" in {tmp_path} on this machine. pulumi up needs it to log in.'
    assert said in notes(registry(tmp_path, "gpu-1"))


def test_each_local_file_says_what_must_be_in_it() -> None:
    """A new key of the type LocalPath needs one of the types of components/local.py. The loader reads these two."""
    mark = get_args(LocalPath)[1]
    bare = {
        name for name, found in fields(site_model()) if mark in found and not any(isinstance(m, Holds) for m in found)
    }
    assert bare == {"Site.known_hosts", "Site.include"}
