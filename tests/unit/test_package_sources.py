"""Package sources on a host that others set up: another entry of the same source, and what a failed fetch means."""

import base64
from pathlib import Path

import pytest

from components.host.repositories import AptRepository
from stacks.sources import keys
from tests.unit.step_host import StepHost

ROOT = Path(__file__).parents[2]
APT = ROOT / "components/host/steps/apt_repository.sh"
URL = "https://download.docker.com/linux/ubuntu"
SOURCE = {"name": "docker", "url": URL, "suite": "noble", "components": "stable"}
LIST = "/etc/apt/sources.list.d/docker.list"
SOURCES = "/etc/apt/sources.list.d/docker.sources"


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    made = StepHost(tmp_path)
    made.program("apt-get", "echo apt-get >&2; exit 1")
    return made


@pytest.mark.row("H6")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        (LIST, f"deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] {URL} noble stable\n"),
        (LIST, f"# docker\ndeb {URL}/ noble stable # theirs\n"),
        (LIST, f"deb-src [signed-by=/x] {URL} noble stable\n"),
        ("/etc/apt/sources.list", f"deb http://deb.example.org noble main\n deb {URL} noble edge\n"),
        (SOURCES, f"Types: deb\nURIs: {URL}/\nSuites: jammy noble\nComponents: stable\nSigned-By: /x\n"),
        (SOURCES, f"Types: deb\nURIs: http://a.example.org\nSuites: a\n\nTypes: deb\nURIs:\n {URL}\nSuites: noble\n"),
    ],
)
def test_a_source_that_is_set_up_elsewhere_is_named_and_nothing_changed(host: StepHost, file: str, text: str) -> None:
    host.file(file, text)
    before = {path: path.read_bytes() for path in host.path("/etc").rglob("*") if path.is_file()}
    for function in ("check", "apply"):
        status, said = host.call(APT, function, SOURCE, bulk={"key": "k"})
        assert status == 10
        assert said == (
            f"{URL} noble is set up by {file} too: apt takes a source from one file only. Nothing was changed. "
            f"Fix: remove that entry from {file}, or, to use it as it is there, write repositories: {{docker: null}}"
        )
    assert {path: path.read_bytes() for path in host.path("/etc").rglob("*") if path.is_file()} == before


@pytest.mark.row("H6")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        (LIST, f"# deb {URL} noble stable\ndeb {URL} jammy stable\ndeb {URL}/more noble stable\n"),
        (LIST + ".save", f"deb {URL} noble stable\n"),
        (SOURCES, f"Enabled: no\nTypes: deb\nURIs: {URL}\nSuites: noble\n"),
        (SOURCES, f"Types: deb\nURIs: {URL}\nSuites: jammy\n\nTypes: deb\nURIs: http://a.example.org\nSuites: noble\n"),
        ("/etc/apt/sources.list.d/gpu-metal-docker.sources", f"Types: deb\nURIs: {URL}\nSuites: noble\n"),
    ],
)
def test_other_sources_are_nobodys_matter(host: StepHost, file: str, text: str) -> None:
    host.file(file, text)
    assert "set up by" not in host.call(APT, "check", SOURCE, bulk={"key": "k"})[1]


REASONS = [
    (
        "Ign:1 http://m/apt ./ InRelease\n  404  File not found [IP: 192.0.2.1 80]\n"
        "E: The repository 'http://m/apt ./ Release' does not have a Release file.\n",
        'answers 404: it is not there: "404 File not found [IP',
    ),
    (
        "Get:1 http://m.example.org/ubuntu2404 ./ InRelease [1404 B]\n"
        "E: Failed to fetch http://m.example.org/ubuntu2404/InRelease  Connection timed out [IP: 192.0.2.1 80]\n",
        'does not answer in time: "Failed to fetch http://m.example.org/ubuntu2404/InRelease Connection timed out',
    ),
    (
        "E: Failed to fetch http://m/ubuntu2404/InRelease  404  Not Found [IP: 192.0.2.1 80]\n",
        "answers 404: it is not there",
    ),
    (
        "  - Status code: 404 for http://m/repodata/repomd.xml (IP: 192.0.2.1)\nError: Failed\n",
        "answers 404: it is not there",
    ),
    (
        "Get:1 http://m ./ InRelease [1404 B]\nE: The repository 'http://m/ubuntu2404 ./ InRelease' is not signed.\n",
        "is not signed by the key it came with",
    ),
    (
        "W: GPG error: http://m ./ InRelease: Sub-process /usr/bin/sqv returned an error code (1), error message is: "
        "Signing key on AB is not bound: SHA1 is not considered secure since 2026-02-01T00:00:00Z\n"
        "E: The repository 'http://m ./ InRelease' is not signed.\n",
        "is signed in a way that this system no longer accepts (SHA-1",
    ),
    (
        "E: Release file for http://m/InRelease is not valid yet (invalid for another 2h 3min). Updates for this\n",
        "is not valid yet by this host's clock (20",
    ),
    (
        "E: Failed to fetch https://m/InRelease  Certificate verification failed: The certificate is NOT trusted. "
        "The certificate chain uses not yet valid certificate.\n",
        "is not valid yet by this host's clock (20",
    ),
    (
        "  - Curl error (60): SSL peer certificate or SSH remote key was not OK for https://m "
        "[SSL certificate problem: certificate has expired]\n",
        "shows a certificate that has expired by this host's clock (20",
    ),
    (
        "W: GPG error: http://m ./ InRelease: The following signatures were invalid: EXPKEYSIG 12AB x <x@x>\n",
        "is signed by a key that has expired",
    ),
    (
        "E: Failed to fetch http://m/InRelease  Temporary failure resolving 'm'\n",
        "has a name that this host cannot resolve",
    ),
    (
        "E: Failed to fetch http://m/InRelease  Could not connect to m:80 (192.0.2.1). - connect (111: Connection "
        "refused)\n",
        "takes no connection",
    ),
    (
        "E: Conflicting values set for option Signed-By regarding source http://m/ ./: /a != \n",
        "is set up in two files",
    ),
    ("E: Failed to fetch http://m/Packages  Hash Sum mismatch\n", "changed while it was read"),
    ("E: Failed to fetch http://p/InRelease  407  Proxy Authentication Required\n", "is behind a proxy"),
    ("E: The method 'x' is unknown\nmore\n", "cannot be used: \"The method 'x' is unknown\""),
]


@pytest.mark.row("H6")
@pytest.mark.parametrize(("output", "means"), REASONS)
def test_a_failed_index_says_the_cause_in_the_programs_own_words(host: StepHost, output: str, means: str) -> None:
    host.file("/output", output)
    host.file("/probe.sh", 'check() { read_index http://m bash -c "cat $(input file); exit 1"; }\n')
    status, said = host.call(host.path("/probe.sh"), "check", {"file": str(host.path("/output"))})
    assert status == 10
    assert f"http://m {means}" in said
    quoted = said.split(' "')[1] if ': "' in said else ""
    assert quoted.split('"')[0].split()[0] in output
    assert ". Fix: " in said


@pytest.mark.row("H6")
def test_a_vendors_file_that_cannot_be_fetched_says_why(host: StepHost) -> None:
    probe = 'check() { bring_artefact "$GPU_METAL_RUN/x" "the installer" "take another"; }\n'
    host.file("/probe.sh", probe)
    host.file("/usr/lib/apt/apt-helper", "")
    host.program("apt-helper", "echo 'E: Failed to fetch https://v.example.org/x  404  Not Found'; exit 100")
    library = host.path("/library/os/debian.sh")
    library.write_text(library.read_text().replace("/usr/lib/apt/apt-helper", "apt-helper"))
    given = {"url": "https://v.example.org/x", "sha256": "0" * 64}
    assert host.call(host.path("/probe.sh"), "check", given) == (
        10,
        "cannot fetch the installer from https://v.example.org/x, which answers 404: it is not there: "
        '"Failed to fetch https://v.example.org/x 404 Not Found". '
        "Fix: correct url (and suite) as the vendor or your mirror has them, or write file instead of url",
    )


@pytest.mark.row("H6")
def test_a_key_file_goes_to_hosts_armored_with_line_ends_of_linux(tmp_path: Path) -> None:
    """The checksum is that of `gpg --enarmor`."""
    forms = {
        "crlf.asc": b"\xef\xbb\xbf-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nAAAA\r\n",
        "plain.asc": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n",
        "binary.gpg": bytes([0x99, *range(99)]),
    }
    made = {}
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        made[name] = AptRepository.model_validate({"url": URL, "keyFile": str(tmp_path / name)})
    texts = keys(made)
    assert texts["crlf.asc"] == texts["plain.asc"] == "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"
    head, text = texts["binary.gpg"].split("\n\n")
    lines = text.splitlines()
    assert (head, lines[-1]) == ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----")
    assert base64.b64decode("".join(lines[:-2])) == forms["binary.gpg"]
    assert lines[-2] == "=BiTK"
