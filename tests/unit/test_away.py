"""gpu-metal-turn and gpu-metal-endpoint: one control plane is away at a time. With stand-ins for what they ask.

That no client notices it: tests/lab/test_planes.py.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.kubernetes import steps
from tests.unit.step_host import StepHost

PROGRAMS = Path(steps.__file__).parent / "programs"
RESTARTS = ("take", "restarts", "0")
REBOOT = Path(steps.__file__).parents[1] / "host/steps/reboot.sh"
UPGRADE = Path(steps.__file__).parent / "steps/kubernetes_version.sh"

pytestmark = pytest.mark.row("K13")

KUBECTL = """
shopt -s extglob
folder=${0%/bin/*} file=${0%/bin/*}/lease
if [[ $* == *create* && -e $folder/silent ]]; then rm "$folder/silent"; echo 'The connection was refused'; exit 1; fi
if [[ -s $folder/away ]]; then sed -i 1d "$folder/away"; echo 'The connection was refused' >&2; exit 1; fi
part() { sed -E "s|.*\\"$1\\":\\"([^\\"]*)\\".*|\\1|" "$file"; }
case "$*" in
    *create*) if [[ -e $file ]]; then echo 'leases "gpu-metal-turn" already exists'; exit 1; fi; cat >"$file" ;;
    *replace*) cat >"$file" ;;
    *delete*) rm -f "$file" ;;
    *"get node"*) cat "$folder/node" ;;
    *acquireTime*) echo "1|$(part holderIdentity)|$(part acquireTime)|$(part gpu-metal/boot)|$(part gpu-metal/why)" ;;
    *holderIdentity*) if [[ -e $file ]]; then part holderIdentity; fi ;;
esac
"""
"""On one Lease. The node of its holder is what the file `node` says. As many calls fail as `away` has lines."""

CURL = """
case "$*" in
    *member/list*) cat "${0%/bin/*}/members" ;;
    */health) if grep -qxF "${@: -1}" "${0%/bin/*}/dead"; then exit 7; fi; echo '{"health":"true","reason":""}' ;;
esac
"""


@pytest.fixture
def plane(tmp_path: Path) -> StepHost:
    """cp-1 of three, all of which are well; nobody has the turn."""
    host = StepHost(tmp_path)
    host.program("kubectl", KUBECTL)
    host.program("curl", CURL)
    host.program("uname", "echo cp-1")
    host.program("sleep", "exit 0")
    host.file("/etc/kubernetes/manifests/etcd.yaml", "etcd")
    host.file("/dead", "")
    members(host, 3)
    return host


def members(host: StepHost, count: int, dead: tuple[int, ...] = ()) -> None:
    """etcd's, by their numbers."""
    listed = [
        {"ID": str(n), "name": f"cp-{n}", "clientURLs": [f"https://10.0.0.{n}:2379"]} for n in range(1, count + 1)
    ]
    host.file("/members", json.dumps({"header": {}, "members": listed}, separators=(",", ":")))
    host.file("/dead", "".join(f"https://10.0.0.{n}:2379/health\n" for n in dead))


def lease(host: StepHost, holder: str, why: str = "is upgraded", since: str = "") -> None:
    annotations = {"gpu-metal/why": why, "gpu-metal/boot": "boot-1"}
    spec = {"holderIdentity": holder, "acquireTime": since or f"{datetime.now(UTC):%FT%T}Z"}
    text = json.dumps({"metadata": {"annotations": annotations}, "spec": spec}, separators=(",", ":"))
    host.file("/lease", text)


def turn(host: StepHost, *words: str, silence: int = 0, returning: int = 0) -> tuple[int, str]:
    """gpu-metal-turn of this host."""
    text = (
        (PROGRAMS / "turn.sh")
        .read_text()
        .replace("_silence=120", f"_silence={silence}")
        .replace("_returning=180", f"_returning={returning}")
        .replace("/run/gpu-metal", f"{host.root}/run/gpu-metal")
        .replace("/etc/kubernetes", f"{host.root}/etc/kubernetes")
        .replace("/usr/local/sbin", f"{host.root}/bin")
    )
    return ran(host, text, words)


def ran(host: StepHost, text: str, words: tuple[str, ...]) -> tuple[int, str]:
    host.file("/program", text)
    path = {"PATH": f"{host.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        ["bash", host.path("/program"), *words], env=path, capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, (done.stdout + done.stderr).replace(str(host.root), "").strip()


def test_one_takes_the_turn_and_gives_it_back(plane: StepHost) -> None:
    assert turn(plane, *RESTARTS) == (0, "")
    assert '"holderIdentity":"cp-1"' in plane.path("/lease").read_text()
    # It is its own, after a run that was cut off.
    assert turn(plane, *RESTARTS) == (0, "")
    assert turn(plane, "back") == (0, "")
    assert not plane.path("/lease").exists()


def test_while_the_api_server_is_away_the_turn_is_given_back_again_and_again(plane: StepHost) -> None:
    turn(plane, *RESTARTS)
    plane.file("/away", "x\n" * 3)
    assert turn(plane, "back", returning=60) == (
        0,
        "waits up to 60 s for an API server, to give back the turn of this control plane: The connection was refused",
    )
    assert not plane.path("/lease").exists()
    assert turn(plane, "back") == (0, "")


def test_a_turn_that_could_not_be_given_back_is_said_and_may_be_given_back_later(plane: StepHost) -> None:
    turn(plane, *RESTARTS)
    plane.file("/away", "x\n" * 9)
    status, said = turn(plane, "back")
    assert status == 1
    assert said.startswith("the turn of this control plane was not given back: The connection was refused. Others that")
    assert said.endswith("40 minutes after it began. Fix: once an API server answers, gpu-metal-turn back")
    plane.file("/away", "x\n")
    assert turn(plane, "back", returning=60)[0] == 0
    assert not plane.path("/lease").exists()


def test_who_has_not_taken_the_turn_waits_for_nobody_to_give_it_back(plane: StepHost) -> None:
    plane.file("/away", "x\n" * 9)
    assert turn(plane, "back", returning=60) == (0, "")
    assert len(plane.path("/away").read_text().splitlines()) == 8


def test_nobody_gives_back_the_turn_of_another(plane: StepHost) -> None:
    lease(plane, "cp-2")
    assert turn(plane, "back") == (0, "")
    assert plane.path("/lease").exists()


def test_while_it_is_the_turn_of_another_this_one_waits(plane: StepHost) -> None:
    lease(plane, "cp-2")
    status, said = turn(plane, *RESTARTS)
    assert status == 1
    assert said.startswith("it is the turn of cp-2 since 20")
    assert "which is upgraded. It ends by itself 40 minutes after it began" in said


def test_a_turn_that_was_never_given_back_ends_by_itself(plane: StepHost) -> None:
    lease(plane, "cp-2", since="2026-01-01T00:00:00Z")
    assert turn(plane, *RESTARTS) == (0, "")


@pytest.mark.parametrize(
    ("why", "node", "free"),
    [
        ("restarts", "boot-2 True", True),
        ("restarts", "boot-2 False", False),
        ("restarts", "boot-2 ", False),
        ("restarts", "boot-1 True", False),
        ("restarts", "", False),
        ("is upgraded", "boot-2 True", False),
    ],
)
def test_the_turn_of_a_host_that_restarts_is_over_once_it_is_ready_in_another_boot(
    plane: StepHost, why: str, node: str, free: bool
) -> None:
    lease(plane, "cp-2", why)
    plane.file("/node", node)
    assert turn(plane, *RESTARTS)[0] == (0 if free else 1)


@pytest.mark.parametrize(
    ("count", "dead", "may"),
    [
        (1, (), True),
        (2, (), True),
        (2, (2,), False),
        (3, (), True),
        (3, (3,), False),
        (5, (5,), True),
        (5, (4, 5), False),
    ],
)
def test_etcd_keeps_its_majority(plane: StepHost, count: int, dead: tuple[int, ...], may: bool) -> None:
    members(plane, count, dead)
    status, said = turn(plane, *RESTARTS)
    assert status == (0 if may else 4), said
    # Without it, the turn is not kept either.
    assert plane.path("/lease").exists() == may
    assert may or said.startswith("etcd would have no majority without this control plane: of the ")


def test_another_api_server_goes_on_answering(plane: StepHost) -> None:
    """A host that was away is Ready before its API server is."""
    plane.program("gpu-metal-endpoint", '[[ $1 == another && -e "${0%/bin/*}/ready" ]]')
    assert turn(plane, *RESTARTS) == (
        4,
        "no other API server is ready. Fix: crictl ps -a on the other control planes",
    )
    assert not plane.path("/lease").exists()
    plane.file("/ready", "")
    assert turn(plane, *RESTARTS) == (0, "")


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(plane: StepHost) -> None:
    """It may be that of the control plane that has the turn."""
    lease(plane, "cp-2")
    plane.file("/silent", "")
    assert "it is the turn of cp-2" in turn(plane, *RESTARTS, silence=60)[1]
    plane.file("/silent", "")
    assert turn(plane, *RESTARTS)[0] == 3


def test_where_the_api_server_takes_our_certificate_no_more_nobody_is_waited_for(plane: StepHost) -> None:
    plane.program("kubectl", "echo 'error: You must be logged in to the server (Unauthorized)'; exit 1")
    status, said = turn(plane, *RESTARTS, silence=600)
    assert status == 3
    assert "no API server says whether another control plane is away: error: You must be logged in" in said


def endpoint(host: StepHost, *words: str, servers: tuple[int, ...] = (1, 2, 3)) -> tuple[int, str]:
    """gpu-metal-endpoint of this host, whose address is 10.0.0.1; the others have .2 and .3."""
    host.file("/etc/gpu-metal/endpoint/settings", "address=10.0.0.9\nport=8443\nnode=10.0.0.1\nstate_port=8444\n")
    lines = "".join(f"    server cp-{n} 10.0.0.{n}:6443\n" for n in servers)
    host.file("/etc/gpu-metal/endpoint/haproxy.cfg", f"backend planes\n    default-server check\n{lines}")
    host.path("/var/lib/haproxy").mkdir(parents=True, exist_ok=True)
    host.program("timeout", 'cat "${0%/bin/*}/state-${@: -2:1}" 2>/dev/null')
    host.program("nft", 'echo "$*" >>"${0%/bin/*}/asked"; if [[ $1 == -f ]]; then cat >"${0%/bin/*}/rules"; fi')
    host.program("ip", 'cat "${0%/bin/*}/own" 2>/dev/null')
    text = (PROGRAMS / "endpoint.sh").read_text()
    for folder in ("/etc/gpu-metal", "/var/lib/haproxy"):
        text = text.replace(folder, f"{host.root}{folder}")
    return ran(host, text, words)


def test_it_is_away_until_it_is_back_or_the_time_is_up(plane: StepHost) -> None:
    assert endpoint(plane, "is-away")[0] == 1
    assert endpoint(plane, "away", "60") == (0, "")
    assert endpoint(plane, "is-away")[0] == 0
    assert endpoint(plane, "back") == (0, "")
    assert endpoint(plane, "is-away")[0] == 1
    endpoint(plane, "away", "0")
    assert endpoint(plane, "is-away")[0] == 1


@pytest.mark.parametrize(("dead", "away", "may"), [("2", "", True), ("[23]", "", False), ("2", "3", False)])
def test_the_last_one_that_takes_connections_goes_on_with_it(plane: StepHost, dead: str, away: str, may: bool) -> None:
    plane.program("curl", f'[[ "${{@: -1}}" != https://10.0.0.{dead}:* ]]')
    if away:
        plane.file(f"/state-10.0.0.{away}", "drain\n")
    assert (endpoint(plane, "another")[0] == 0) == may
    assert endpoint(plane, "away", "60")[0] == 0
    assert (endpoint(plane, "is-away")[0] == 0) == may


def test_one_control_plane_alone_waits_for_no_other(plane: StepHost) -> None:
    plane.program("curl", "exit 7")
    assert endpoint(plane, "another", servers=(1,))[0] == 0
    assert endpoint(plane, "another", servers=(1, 2))[0] == 1


def test_before_the_address_moves_new_connections_wait_and_others_end(plane: StepHost) -> None:
    assert endpoint(plane, "leave") == (0, "")
    assert not plane.path("/rules").exists()
    plane.file("/own", "2: eth0 inet 10.0.0.9/32")
    assert endpoint(plane, "leave") == (0, "")
    assert "ip daddr 10.0.0.9 tcp dport 8443 tcp flags & (syn | ack) == syn drop" in plane.path("/rules").read_text()
    assert endpoint(plane, "left") == (0, "")
    assert plane.path("/asked").read_text().splitlines()[-1] == "delete table inet gpu_metal_endpoint"


@pytest.mark.parametrize(("answer", "status"), [("exit 0", 0), ("echo it is the turn of cp-2; exit 1", 10)])
def test_a_reboot_waits_for_the_turn(tmp_path: Path, answer: str, status: int) -> None:
    host = StepHost(tmp_path)
    host.program("turn", f'echo "$*" >"${{0%/bin/*}}/asked"; {answer}')
    host.file("/etc/kubernetes/manifests/kube-apiserver.yaml", "a control plane")
    host.file("/run/gpu-metal/reboot-due", "another kernel\n")
    script = host.path("/reboot.sh")
    script.write_text(REBOOT.read_text().replace("/usr/local/sbin/gpu-metal-turn", f"{host.root}/bin/turn"))
    seen, said = host.call(script, "_in_turn", {"policy": "when-needed"})
    assert seen == status, said
    assert host.path("/asked").read_text() == "take restarts 1500\n"
    if status:
        assert (
            "a reboot is due (another kernel), but it is the turn of cp-2. Fix: bring that control plane back" in said
        )


def test_an_upgrade_has_ended_well_though_its_turn_could_not_be_given_back(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("turn", 'if [[ $1 == back ]]; then echo "was not given back. Fix: gpu-metal-turn back"; exit 1; fi')
    script = host.path("/version.sh")
    script.write_text(UPGRADE.read_text().replace("/usr/local/sbin/gpu-metal-turn", f"{host.root}/bin/turn"))
    status, said = host.call(script, "_aside", {"role": "control-plane"})
    assert (status, "was not given back. Fix: gpu-metal-turn back" in said) == (0, True)
