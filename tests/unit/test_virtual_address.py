"""The address that moves between the control planes: its place in the plan, its settings, its step with stand-ins.

That it moves when a control plane goes: tests/lab/test_planes.py.
"""

import socket
from pathlib import Path
from typing import Any

import pytest

from components.engine.config import Containerd
from components.host import firewalls
from components.host.config import Host
from components.hostrun.step import Step
from components.kubernetes import kubeadm, needed, steps, virtual_address
from components.kubernetes.config import Kubernetes
from components.kubernetes.virtual_address import VirtualAddress
from components.network.config import Network
from stacks.load import site_from
from stacks.needed import listening
from tests.unit.step_host import StepHost
from tests.unit.test_kubernetes_steps import CP_1, CP_2, CPU_1

pytestmark = pytest.mark.row("K13")

MOVING = Kubernetes.model_validate({"virtualAddress": {"address": "10.213.77.100"}})
NAMED = Kubernetes.model_validate(
    {"endpoint": "api.example.org:8443", "virtualAddress": {"address": "10.213.77.100"}, "extraSans": ["other.org"]}
)
STEP = Path(steps.__file__).parent / "steps/virtual_address.sh"
FREE = STEP.with_name("virtual_address_free.sh")
INPUTS = {"address": "10.0.0.9", "port": "8443", "node": "10.0.0.1", "router_id": "51"}
SETTINGS = {"settings": "address=10.0.0.9\nport=8443\nnode=10.0.0.1\nstate_port=8444\n"}


def node(
    of: Host, kubernetes: Kubernetes = MOVING, planes: tuple[Host, ...] = (CP_1, CP_2), leaving: tuple[Host, ...] = ()
) -> dict[str, Step]:
    network, engine = Network(), Containerd()
    made = steps.node(of, planes, cluster="dev", kubernetes=kubernetes, network=network, engine=engine, leaving=leaving)
    return {step.id: step for step in made}


def test_it_is_up_on_each_control_plane_before_kubeadm_connects_to_it() -> None:
    for plane in (CP_1, CP_2):
        ids = list(node(plane))
        assert ids.index("packages#virtual-address") < ids.index("virtual_address") < ids.index("cluster_member")
    assert "virtual_address" not in node(CPU_1)
    assert "virtual_address" not in node(CP_1, Kubernetes(endpoint="api.example.org:6443"))


def test_all_reach_the_api_server_by_it_and_its_certificate_has_it() -> None:
    assert node(CPU_1)["cluster_member"].inputs["endpoint"] == "10.213.77.100:8443"
    assert "controlPlaneEndpoint: 10.213.77.100:8443" in node(CP_1)["cluster_member"].bulk["init"]
    # kubeadm puts the endpoint's own host into the certificate.
    assert "10.213.77.100" in kubeadm.own_names(CP_1, [CP_1, CP_2], MOVING, Network())


def test_a_name_may_stand_for_it_and_then_both_are_in_the_certificate() -> None:
    made = node(CP_1, NAMED)
    assert made["cluster_member"].inputs["endpoint"] == "api.example.org:8443"
    assert "certSANs:\n  - other.org\n  - 10.213.77.100\n" in made["cluster_member"].bulk["init"]
    assert made["api_server"].inputs["names"] == "10.213.77.100,other.org"


def test_connections_go_to_every_control_plane_that_is_ready() -> None:
    text = node(CP_1)["virtual_address"].bulk["haproxy"]
    assert [line.split() for line in text.splitlines() if line.startswith("    server ")] == [
        ["server", "cp-1", "10.213.77.11:6443"],
        ["server", "cp-2", "10.213.77.12:6443"],
    ]
    assert "bind *:8443\n" in text
    assert "option httpchk GET /readyz\n" in text
    # Each says of itself whether it takes new ones.
    assert "agent-check agent-port 8444" in text
    assert "frontend state\n    bind 10.213.77.11:8444\n" in text
    assert virtual_address.state_port(VirtualAddress.model_validate({"address": "10.0.0.9", "port": 65535})) == 65534


def test_control_planes_speak_to_each_other_alone() -> None:
    text = node(CP_2)["virtual_address"].bulk["keepalived"]
    assert "unicast_src_ip 10.213.77.12\n    unicast_peer {\n        10.213.77.11\n    }\n" in text
    assert "vrrp_mcast_group4" not in text
    assert "    garp_master_refresh 5\n" in text
    alone = node(CP_1, planes=(CP_1,))["virtual_address"].bulk["keepalived"]
    # By default, one without peers would speak to the routers of the segment.
    assert "vrrp_mcast_group4 239.255.0.112\n" in alone
    assert "unicast_peer" not in alone


def test_one_that_leaves_gets_no_connections_and_still_hears_who_has_the_address() -> None:
    bulk = node(CP_1, planes=(CP_1,), leaving=(CP_2,))["virtual_address"].bulk
    assert "cp-2" not in bulk["haproxy"]
    assert "unicast_peer {\n        10.213.77.12\n    }\n" in bulk["keepalived"]
    found = {each.name: each for each in needed.listening(CP_1, [CP_1], MOVING.virtual_address, [CP_2])}
    vrrp, etcd = found["vrrp"].opening, found["etcd"].opening
    assert vrrp and "10.213.77.12" in str(vrrp.sources)
    assert etcd and "10.213.77.12" not in str(etcd.sources)


def test_its_port_and_vrrp_are_open_and_vrrp_for_control_planes_only() -> None:
    found = {each.name: each for each in needed.listening(CP_1, [CP_1, CP_2], MOVING.virtual_address)}
    api, vrrp = found["kubernetes-endpoint"].opening, found["vrrp"].opening
    assert api is not None and (api.port, api.sources) == ("8443", "any")
    assert vrrp is not None
    rule = 'ip saddr { 10.213.77.11, 10.213.77.12 } meta l4proto 112 accept comment "vrrp"'
    assert rule in firewalls.nftables([vrrp], [])
    source = '<rule family="ipv4"><source address="10.213.77.11/32"/><protocol value="vrrp"/><accept/></rule>'
    assert source in firewalls.firewalld_zone([vrrp])
    ufw = firewalls.ufw_rules([vrrp], [], family="ipv4").splitlines()
    assert ufw[0] == "-A ufw-user-input -p 112 -s 10.213.77.11 -j ACCEPT"
    # What Docker publishes has ports.
    assert "vrrp" not in firewalls.published([vrrp], [])
    alone = needed.listening(CP_1, [CP_1], MOVING.virtual_address)
    assert {each.name for each in alone} >= {"kubernetes-state"}
    assert "vrrp" not in {each.name for each in alone}
    state = found["kubernetes-state"].opening
    assert state is not None and (state.port, state.sources) == ("8444", vrrp.sources)


def test_what_the_node_layer_will_listen_on_is_in_the_one_list(tmp_path: Path) -> None:
    said: dict[str, Any] = {"hosts": {"cp-1": {"address": "10.0.0.1", "roles": ["control-plane"]}}}
    said["kubernetes"] = {"virtualAddress": {"address": "10.0.0.9", "port": 9443}}
    site = site_from(said, stack="lab", folder=tmp_path, keys=False)
    assert {"kubernetes-endpoint": "9443"}.items() <= {
        each.name: each.port for each in listening(site, site.hosts["cp-1"])
    }.items()
    assert site.endpoint == "10.0.0.9:9443"


def test_preflight_looks_for_another_machine_at_the_address() -> None:
    [step] = steps.preflight(CP_1, [CP_1, CP_2], MOVING)
    assert (step.inputs, step.bulk) == ({"address": "10.213.77.100"}, {"peers": "10.213.77.11\n10.213.77.12\n"})
    assert steps.preflight(CPU_1, [CP_1], MOVING) == []


IP = """
case "$*" in
    *"address show to 10.0.0.9"*) {own} ;;
    *"address show to 10.0.0.1"*) echo '2: eth1    inet 10.0.0.1/24 scope global eth1' ;;
    *"address show scope"*) echo '2: eth1    inet 10.0.0.1/24 scope global eth1' ;;
    *"route get"*) echo '{route}' ;;
    *"neighbour show to 10.0.0.9"*) echo '10.0.0.9 dev eth1 lladdr {mac} REACHABLE' ;;
    *"neighbour show to 10.0.0.2"*) echo '10.0.0.2 dev eth1 lladdr 02:00:00:00:00:02 REACHABLE' ;;
esac
"""


@pytest.mark.parametrize(
    ("own", "route", "mac", "says"),
    [
        (":", "10.0.0.9 dev eth1 src 10.0.0.1", "02:00:00:00:00:02", ""),
        (":", "10.0.0.9 dev eth1 src 10.0.0.1", "02:00:00:00:00:99", "hardware address 02:00:00:00:00:99, which is no"),
        (":", "10.0.0.9 via 10.0.0.254 dev eth1", "", "reaches 10.0.0.9 through a router (10.0.0.9 via 10.0.0.254 dev"),
        ("echo 'inet 10.0.0.9/24'", "", "", "has 10.0.0.9, which is to move between the control planes, as its own."),
    ],
)
def test_an_address_that_cannot_move_here_is_refused_before_anything(
    tmp_path: Path, own: str, route: str, mac: str, says: str
) -> None:
    host = StepHost(tmp_path)
    host.program("ip", IP.format(own=own, route=route, mac=mac))
    host.program("sleep", "exit 0")
    status, said = host.call(FREE, "check", {"address": "10.0.0.9"}, bulk={"peers": "10.0.0.1\n10.0.0.2"})
    assert status == (10 if says else 0), said
    assert says in said


def test_the_address_is_ours_once_we_keep_it(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("ip", IP.format(own="echo 'inet 10.0.0.9/32'", route="", mac=""))
    host.file("/etc/gpu-metal/endpoint/keepalived.conf", "# gpu-metal\n")
    assert host.call(FREE, "check", {"address": "10.0.0.9"}, bulk={"peers": "10.0.0.1"}) == (0, "")


@pytest.mark.parametrize(("answers", "status"), [("exit 0", 0), ("exit 60", 10)])
def test_a_control_plane_that_leaves_the_site_may_have_the_address_until_it_has_left(
    tmp_path: Path, answers: str, status: int
) -> None:
    host = StepHost(tmp_path)
    host.program("ip", IP.format(own=":", route="10.0.0.9 dev eth1", mac="02:00:00:00:00:03"))
    host.program("sleep", "exit 0")
    host.program("curl", f'echo "$*" >>"${{0%/bin/*}}/asked"; {answers}')
    assert host.call(FREE, "check", {"address": "10.0.0.9"}, bulk={"peers": "10.0.0.2"})[0] == 10
    host.file("/etc/gpu-metal/endpoint/haproxy.cfg", "frontend api\n    bind *:8443\n")
    assert host.call(FREE, "check", {"address": "10.0.0.9"}, bulk={"peers": "10.0.0.2"})[0] == status
    asked = host.path("/asked").read_text()
    assert "/etc/kubernetes/pki/ca.crt" in asked
    assert asked.endswith("https://10.0.0.9:8443/livez\n")


def test_the_interface_is_the_one_that_has_the_host_s_address(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("ip", IP.format(own=":", route="", mac=""))
    texts = {"keepalived": "    interface INTERFACE\n    10.0.0.9/32 dev INTERFACE"}
    status, said = host.call(STEP, "_of_keepalived", INPUTS, bulk=texts)
    assert (status, said) == (0, "interface eth1\n    10.0.0.9/32 dev eth1")


def test_a_group_of_vrrp_that_others_have_here_is_refused(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("systemctl", "exit 0")
    host.file("/etc/keepalived/keepalived.conf", "vrrp_instance V {\n    virtual_router_id 51\n}\n")
    status, said = host.call(STEP, "_refuse", INPUTS, bulk=SETTINGS)
    assert status == 1
    assert (
        "/etc/keepalived/keepalived.conf, which is not ours, has the VRRP group 51, too. Nothing was changed." in said
    )
    assert host.call(STEP, "_refuse", INPUTS | {"router_id": "5"}, bulk=SETTINGS) == (0, "")


def test_a_port_of_somebody_else_is_refused_also_the_one_between_control_planes(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("systemctl", "[[ $* == *gpu-metal-haproxy ]]")
    host.file("/etc/gpu-metal/endpoint/haproxy.cfg", "frontend api\n    bind *:8443\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, said = host.call(STEP, "_refuse", INPUTS, bulk={"settings": f"port=8443\nstate_port={port}\n"})
    assert status == 1
    assert f"port {port} is taken (" in said


def test_what_others_run_with_the_same_programs_goes_on_and_is_named(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("systemctl", 'echo "$*" >>"${0%/bin/*}/asked"')
    host.file("/home/packages/came", "haproxy\n")
    assert host.call(STEP, "_stop_those_of_the_packages", INPUTS)[0] == 0
    assert host.path("/asked").read_text() == "disable -q --no-reload --now haproxy\n"
    status, said = host.call(STEP, "_others", INPUTS)
    assert (status, said.split(":")[0]) == (0, "keepalived.service")


def test_selinux_lets_both_reach_the_api_servers_and_gets_its_setting_back(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("getenforce", "echo Enforcing")
    host.program("getsebool", '[[ $1 == haproxy* ]] && echo "$1 --> off" || echo "$1 --> on"')
    host.program("setsebool", 'echo "$*" >>"${0%/bin/*}/asked"')
    host.program("systemctl", "exit 0")
    assert host.call(STEP, "_allow", INPUTS)[0] == 0
    assert host.call(STEP, "undo", INPUTS)[0] == 0
    assert host.path("/asked").read_text() == "-P haproxy_connect_any on\n-P haproxy_connect_any off\n"


def test_the_health_of_the_api_server_outweighs_all_else() -> None:
    text = node(CP_1)["virtual_address"].bulk["keepalived"]
    assert f"weight {virtual_address.HEALTHY}\n" in text
    assert "https://127.0.0.1:8443/readyz" in text
