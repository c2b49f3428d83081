"""Functions of Shifter's steps by themselves, on this machine. The other files here run them whole."""

from pathlib import Path

import pytest

from tests.scripts.functions import shell

STEPS = Path("components/platforms/shifter/steps")


def fault(tmp_path: Path, *rows: str) -> str:
    """What the step says of `NODE|STATE|BY|REASON` rows, which sinfo prints."""
    sinfo = tmp_path / "sinfo"
    sinfo.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(rows) + "\nEND\n")
    sinfo.chmod(0o755)
    nodes = " ".join(dict.fromkeys(row.split("|")[0] for row in rows))
    return shell(STEPS / "slurm_nodes.sh", f"PATH={tmp_path}:$PATH; _fault", nodes=nodes)


@pytest.mark.row("F6")
def test_a_node_that_does_not_answer_is_not_called_idle(tmp_path: Path) -> None:
    said = fault(tmp_path, "c-1|idle|root|none", "c-2|idle*|Unknown|none")
    assert said.startswith("Slurm takes no jobs on 1 of 2 nodes: c-2 does not answer slurmctld (idle*). Fix: there, ")
    assert "resume" not in said
    assert "c-2 is down (lost). Fix: " in fault(tmp_path, "c-2|down*|root|lost")


@pytest.mark.row("F6")
def test_a_drained_node_is_said_with_its_reason_and_people_may_drain(tmp_path: Path) -> None:
    said = fault(tmp_path, "c-1|drained|root|Kill task failed")
    assert "c-1 is drained (Kill task failed). Fix: " in said
    assert said.endswith("scontrol update nodename=c-1 state=resume")
    assert fault(tmp_path, "c-1|drained|root|new disk") == ""


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "starting\nslurmd: error: cgroup namespace 'freezer' not mounted\nslurmd: fatal: Unable to initialize",
            "slurmd: error: cgroup namespace 'freezer' not mounted; at last: slurmd: fatal: Unable to initialize\n",
        ),
        ("slurmd: fatal: no slurm.conf\nstopped", "slurmd: fatal: no slurm.conf\n"),
        ("started", "it logs no error\n"),
    ],
)
def test_the_first_error_of_the_last_start_is_said(tmp_path: Path, lines: str, said: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"{lines}\n")
    # As journald under load: what was written last can be read after a sync only.
    fakes = f"""
        systemctl() {{ echo 0123; }}
        journalctl() {{ case $* in
            --sync) cp {log} {tmp_path}/read ;;
            *_SYSTEMD_INVOCATION_ID=0123*) cat {tmp_path}/read ;;
        esac; }}
        . components/hostrun/lib.sh"""
    library = STEPS.parent / "lib.sh"
    assert shell(library, f"{fakes}\nunit_errors slurmd") == said
