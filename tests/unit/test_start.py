"""What the program and `sitectl` load before they do anything: each run waits for it.

Does not prove: how long it takes; bench/ measures that.
"""

import ctypes.util
import subprocess
import sys

import pytest

from components.hostrun import sshlib
from components.registry import REGISTERED
from ops.rows import ROOT

SLOW = ("asyncssh", "cryptography", "pulumi_kubernetes", "xml.etree.ElementTree")
"""Many files, and none of them of use to a run that finds nothing to do on hosts alone."""


def loaded(statement: str) -> set[str]:
    """The modules that it loads, in a new process."""
    words = [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"]
    return set(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_a_program_of_hosts_alone_loads_no_library_for_ssh_kubernetes_or_xml() -> None:
    there = loaded("import stacks.load, stacks.secrets, stacks.site")
    assert "stacks.site" in there
    assert there.isdisjoint(SLOW)


def test_a_site_loads_the_settings_of_its_own_parts_alone() -> None:
    data = {"hosts": {"one": {"address": "10.0.0.1"}}, "policies": None, "platforms": [{"kind": "shifter"}]}
    there = loaded(f"from stacks.model import named_parts, site_model; site_model(named_parts({data}))")
    parts = {each.kind for each in REGISTERED if f"components.{each.room}.{each.kind}.config" in there}
    assert parts == {"policies", "shifter"}


def test_no_compiler_is_asked_for_libraries_and_what_the_system_lists_is_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    for name in sshlib.COMPILERS:
        monkeypatch.setattr(ctypes.util, name, asked.append)
    monkeypatch.setattr(ctypes.util, "_findSoname_ldconfig", {"oqs": "liboqs.so.5"}.get)
    with sshlib.no_compilers():
        assert (ctypes.util.find_library("oqs"), ctypes.util.find_library("nettle")) == ("liboqs.so.5", None)
    assert asked == []
    ctypes.util.find_library("nettle")
    assert asked
