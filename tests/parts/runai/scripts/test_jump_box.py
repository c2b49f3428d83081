"""The command line on an emulated jump box: there for everybody, completed, replaced, spoilt, mended, undone.

The program is a stand-in in bash that prints what `completion` of the real one prints in form. Does not prove: that
the package bash-completion comes (tests/scripts/test_packages.py installs packages).
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.hostrun.step import Step
from components.platforms.runai import jump_box
from components.platforms.runai.config import Runai
from tests.parts.runai.sites import said
from tests.scripts.lab_host import HOST, LabHost, differences, site_host

pytestmark = [pytest.mark.lab, pytest.mark.row("R8")]

PATH = "/usr/local/bin/runai"
BASH = "/usr/local/share/bash-completion/completions/runai"
ZSH = "/usr/local/share/zsh/site-functions/_runai"
COMPLETION = """\
case "$1 ${2-}" in
    "completion bash") echo '_runai() { COMPREPLY=(login project); }; complete -F _runai runai' ;;
    "completion zsh") printf '#compdef runai\\n_runai() { compadd login project; }\\n_runai "$@"\\n' ;;
    "--help "*) [[ $(id -u) == 65534 && -w $HOME ]] ;;
    *) echo "release N" ;;
esac
"""


def program(number: int, text: str = COMPLETION) -> str:
    return f"#!/bin/bash\n{text.replace('N', str(number))}"


def steps(host: LabHost, text: str, sha256: str = "") -> list[Step]:
    """The layer, with the program's file on the host as an operator puts it there."""
    host.bash("cat >/opt/runai", text)
    cli = {"file": "/opt/runai", "sha256": sha256 or hashlib.sha256(text.encode()).hexdigest()}
    config = Runai.model_validate(said(jumpBox={"hosts": [HOST.name], "cli": cli}))
    [wave] = jump_box.waves(config, {HOST.name: site_host()})
    return list(wave.steps[HOST.name])


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    spare.bash("touch /opt/runai; mkdir -p /usr/local/share/zsh")
    return spare.snapshot()


@pytest.fixture
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:
    """A host from which all goes again, without a trace."""
    spare.install()
    yield spare
    spare.remove()
    left = differences(before, spare.snapshot())
    assert set(left) <= {"/opt/runai"}, left


def test_everybody_has_it_completed_and_what_is_spoilt_is_named_and_mended(host: LabHost) -> None:
    wanted = steps(host, program(1))
    assert set(host.apply("runai", wanted).values()) == {"changed"}
    assert set(host.apply("runai", wanted).values()) == {"unchanged"}
    assert host.bash(f"stat -c '%04a %U' {PATH} {BASH} {ZSH}").splitlines() == ["0755 root", "0644 root", "0644 root"]
    assert host.bash("setpriv --reuid 65534 --regid 65534 --clear-groups runai version") == "release 1\n"
    assert host.bash(f". {BASH}; complete -p runai").strip() == "complete -F _runai runai"
    assert host.bash(f"head -n 1 {ZSH}") == "#compdef runai\n"
    for spoil, step, says in (
        (f"echo >>{PATH}", "runai_program#runai", f"{PATH} has SHA-256"),
        (f"chmod 0700 {PATH}", "runai_program#runai", f"{PATH} is 0700 root, wants 0755 root"),
        (f"rm {ZSH}", "runai_completion", f"{ZSH} is not what runai completion zsh prints"),
    ):
        host.bash(spoil)
        seen = host.check()
        assert step in seen, spoil
        assert says in seen[step][1]
        host.apply("runai", wanted)
        assert host.check() == {}


def test_another_release_takes_its_place_and_what_others_had_there_comes_back(host: LabHost) -> None:
    host.bash(f"echo theirs >{PATH}; chmod 0711 {PATH}")
    host.apply("runai", steps(host, program(1)))
    done = host.apply("runai", steps(host, program(2)))
    assert done == {"runai_program#runai": "changed", "runai_completion": "unchanged"}
    assert host.bash("runai version") == "release 2\n"
    host.remove()
    assert host.bash(f"cat {PATH}; stat -c %04a {PATH}; rm {PATH}") == "theirs\n0711\n"
    host.install()


REFUSED = {
    "checksum": (program(2), f"The command runai has SHA-256 {hashlib.sha256(program(2).encode()).hexdigest()}"),
    "machine": (program(2, "echo no such machine >&2; exit 3\n"), "it ended with 3, no such machine. It was not used."),
    "another": (program(2, 'test "$1" = --help\n'), "runai completion bash ended with 1 and printed 0 signs."),
}


def test_a_program_that_is_not_it_is_refused_with_the_reason(host: LabHost) -> None:
    first = steps(host, program(1))
    for why, (text, says) in REFUSED.items():
        host.bash("cat >/opt/runai", program(1))
        host.apply("runai", first)
        done = host.run("runai", steps(host, text, "0" * 64 if why == "checksum" else ""))
        assert done.returncode != 0
        assert says in done.stderr
        if why != "another":
            assert host.bash("runai version") == "release 1\n", "the one before stays"
        assert host.bash("ls -A /usr/local/bin") == "runai\n"
