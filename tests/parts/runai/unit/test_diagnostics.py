"""The vendor's diagnostics before Run:ai is installed: a stand-in of them, by a control plane that is this machine.

Does not prove: what the real program says, and that it knows our arguments.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.target import Target
from components.platforms.runai import diagnostics
from components.platforms.runai.config import Diagnostics
from stacks.faults import SiteError
from tests.parts.runai.sites import parts_of, site_of
from tests.unit.planes import PLANES, second_answers

pytestmark = pytest.mark.row("R1")

WORDS = ["--domain", "ai.example.org", "--output", "report.txt"]
GOOD = '#!/bin/bash\necho "checked $*, by $KUBECONFIG" >report.txt\n'
BAD = '#!/bin/bash\necho "DNS: FAIL" >report.txt\necho "3 checks failed"\nexit 1\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What /var/lib/gpu-metal is on cp-2; cp-1 is dark."""
    folder = tmp_path / "home"
    folder.mkdir()
    deadlines = second_answers(tmp_path, monkeypatch, "#!/bin/bash\nexit 1\n", str(folder))
    yield folder
    assert all(each > 900 for each in deadlines)


def program(folder: Path, text: str, **more: Any) -> Diagnostics:
    file = folder / "diagnostics-linux"
    file.write_text(text)
    sums = {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    return Diagnostics.model_validate({"file": str(file), **sums, **more})


def said(of: Diagnostics, planes: Sequence[Target] = PLANES) -> str:
    try:
        asyncio.run(diagnostics.must_pass(planes, of, WORDS))
    except diagnostics.DiagnosticsError as error:
        return str(error)
    return ""


def test_they_run_on_the_first_control_plane_that_answers_and_the_report_is_kept(tmp_path: Path, home: Path) -> None:
    of = program(tmp_path, GOOD)
    assert said(of) == ""
    kept = (tmp_path / "diagnostics-linux.txt").read_text()
    assert kept == f"checked {' '.join(WORDS)}, by /etc/kubernetes/admin.conf\n"
    assert list(home.iterdir()) == []


def test_what_they_find_stops_the_run_with_the_report(tmp_path: Path, home: Path) -> None:
    text = said(program(tmp_path, BAD))
    assert text.startswith(
        'cp-2 [diagnostics] Run:ai\'s diagnostics ended with status 1 and said last: "3 checks failed".'
    )
    report = tmp_path / "diagnostics-linux.txt"
    assert f"Nothing was installed. Fix: mend what {report} names, or send it to Run:ai's support" in text
    assert report.read_text() == "DNS: FAIL\n3 checks failed\n"
    assert list(home.iterdir()) == []


def test_another_program_is_not_run(tmp_path: Path, home: Path) -> None:
    of = program(tmp_path, f"#!/bin/bash\ntouch {home}/ran\n", sha256="0" * 64)
    assert f"wants {'0' * 64}. Nothing was run or installed. Fix: get it again, or correct diagnostics" in said(of)
    assert list(home.iterdir()) == []


def test_where_no_control_plane_answers_nothing_is_installed(tmp_path: Path, home: Path) -> None:
    assert home.exists()
    text = said(program(tmp_path, GOOD), PLANES[:1])
    assert text.startswith("cp-1 [diagnostics] no control plane could run Run:ai's diagnostics. cp-1")
    assert not (tmp_path / "diagnostics-linux.txt").exists()


def test_their_arguments_are_the_sites(tmp_path: Path) -> None:
    of = program(tmp_path, GOOD)
    said = {"file": str(of.file), "sha256": of.sha256}
    config, _ = parts_of(site_of(tmp_path, diagnostics=said))
    assert config.diagnostics
    domain = ["--domain", "a.b", "--cluster-domain", "a.b", "--output", "runai-diagnostics.txt"]
    assert diagnostics.arguments(config, config.diagnostics, "a.b") == domain
    registry = {"images": "r.example.org:5000/runai"}
    config, _ = parts_of(site_of(tmp_path, diagnostics=said, registry=registry))
    assert config.diagnostics
    wanted = [*domain, "--airgapped", "--registry", "r.example.org:5000/runai"]
    assert diagnostics.arguments(config, config.diagnostics, "a.b") == wanted
    own = program(tmp_path, GOOD, arguments=["--domain", "x"])
    assert diagnostics.arguments(config, own, "a.b") == ["--domain", "x"]


def test_a_file_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    said = r'diagnostics\.file: there is no file "nowhere" in /\. Put it there, or correct the path\.'
    with pytest.raises(SiteError, match=said):
        site_of(tmp_path, diagnostics={"file": "/nowhere", "sha256": "0" * 64})
