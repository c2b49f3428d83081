"""What verify says of name servers: which one is silent, seen from which host, and whether CoreDNS' pods wait, too.

Does not prove: that CoreDNS' own network is entered; a test of the lab's cluster does.
"""

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.rows import ROOT
from tests.unit.fake_hosts import SITE, Sitectl, sitectl

pytestmark = [pytest.mark.row("N8")]
DNS = "    dns: {servers: [192.0.2.53, 192.0.2.54]}\n"


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    monkeypatch.setenv("COLUMNS", "200")
    return sitectl(tmp_path, monkeypatch)


def found(ctl: Sitectl, host: str) -> tuple[str, str, str]:
    [check] = [each for each in ctl.json("verify")["checks"] if (each["host"], each["id"]) == (host, "name-servers")]
    return check["status"], check["saw"], check["fix"]


@pytest.mark.parametrize(
    ("seen", "status", "saw", "fix"),
    [
        ("host 192.0.2.53 answers\nhost 192.0.2.54 answers\npods 192.0.2.53 answers", "ok",
         "192.0.2.53, 192.0.2.54 answer", ""),
        ("host 192.0.2.53 answers\nhost 192.0.2.54 silent", "failed", "gets no answer from name server 192.0.2.54.",
         "start it, or let UDP port 53 to 192.0.2.54 through; else write another one in dns.servers, then pulumi up"),
        ("host 192.0.2.53 silent\npods 192.0.2.53 silent", "failed",
         "gets no answer from name server 192.0.2.53. Pods of CoreDNS here wait for it, too.",
         "start it, or let UDP port 53 to 192.0.2.53 through; else write another one in dns.servers, then pulumi up"),
        ("host 192.0.2.53 answers\npods 192.0.2.53 silent", "failed",
         "gets an answer from name server 192.0.2.53, and pods of CoreDNS here get none.",
         "let UDP port 53 to 192.0.2.53 through, from the pods' addresses, too"),
        ("host 192.0.2.53 answers\npods 192.0.2.9 silent", "failed",
         "has CoreDNS, which gets no answer from name server 192.0.2.9. The host asks 192.0.2.53.",
         "sitectl drift --record, then pulumi up"),
        ("", "failed", "has no name server.", "write dns.servers into the site, then pulumi up"),
    ],
)  # fmt: skip
def test_a_silent_server_is_named_with_the_host_that_asked(
    ctl: Sitectl, seen: str, status: str, saw: str, fix: str
) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("    hosts:\n", f"{DNS}    hosts:\n", 1))
    ctl.hosts.units["cp-1", "name_servers"] = seen
    assert found(ctl, "cp-1") == (status, saw, fix)
    assert found(ctl, "gpu-1")[0] == "ok"


def test_servers_that_the_site_does_not_name_are_worth_a_line_only(ctl: Sitectl) -> None:
    ctl.hosts.units["cp-1", "name_servers"] = "host 192.0.2.53 silent"
    assert found(ctl, "cp-1")[:2] == ("note", "gets no answer from name server 192.0.2.53.")
    assert ctl("verify").exit_code == 0


@pytest.fixture
def port() -> Iterator[int]:
    """Where a name server on 127.0.0.2 refuses a question: it answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.2", 0))

        def serve() -> None:
            question, client = server.recvfrom(512)
            server.sendto(question[:2] + bytes([0x81, 0x85]) + question[4:], client)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_any_answer_will_do_and_a_closed_port_is_silence(tmp_path: Path, port: int) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.2\nnameserver 127.0.0.3\n")
    script = (ROOT / "ops/name_servers.sh").read_text()
    script = script.replace("/etc/resolv.conf", str(tmp_path / "resolv.conf")).replace("$1/53", f"$1/{port}")
    (tmp_path / "pgrep").write_text("#!/bin/bash\nexit 1\n")
    (tmp_path / "pgrep").chmod(0o755)
    words = ["bash", "-c", f"PATH={tmp_path}:$PATH bash -s"]
    said = subprocess.run(words, input=script, capture_output=True, text=True, check=True, timeout=60)
    assert sorted(said.stdout.splitlines()) == ["host 127.0.0.2 answers", "host 127.0.0.3 silent"]
