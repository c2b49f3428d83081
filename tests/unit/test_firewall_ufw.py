"""ufw on a kernel with IPv6 switched off (ipv6.disable=1): its rules for IPv6 stay in a file that nobody loads.

Does not prove: how ufw behaves there; tests/scripts/test_firewall.py has the real one, with IPv6 on.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path("components/host/steps/firewall_ufw.sh")
_TUPLE = "### tuple ### allow tcp 22 {anywhere} any {anywhere} in comment=73"
RULE = _TUPLE + "\n-A ufw{six}-user-input -p tcp --dport 22 -j ACCEPT"
RULES = {"rules4": RULE.format(anywhere="0.0.0.0/0", six=""), "rules6": RULE.format(anywhere="::/0", six="6")}
POLICIES = 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="ACCEPT"\nDEFAULT_FORWARD_POLICY="ACCEPT"\n'


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """ufw as the step leaves it, with one rule of each family in its files and, of IPv4 only, in the kernel."""
    host = StepHost(tmp_path)
    host.file("/etc/ufw/ufw.conf", "ENABLED=yes\n")
    host.file("/etc/default/ufw", POLICIES)
    for name, key in (("user", "rules4"), ("user6", "rules6")):
        host.file(f"/etc/ufw/{name}.rules", f"*filter\n### RULES ###\n\n{RULES[key]}\n\n### END RULES ###\nCOMMIT\n")
    host.program("iptables", "echo '-N ufw-user-input'; echo '-A ufw-user-input -p tcp'")
    host.program("ip6tables", "echo 'ip6tables: Address family not supported by protocol' >&2; exit 3")
    return host


def test_without_ipv6_in_the_kernel_the_step_holds(host: StepHost) -> None:
    assert host.call(STEP, "check", bulk=RULES) == (0, "")


def test_with_ipv6_its_rules_must_be_loaded(host: StepHost) -> None:
    host.path("/proc/sys/net/ipv6").mkdir(parents=True)
    status, said = host.call(STEP, "check", bulk=RULES)
    assert (status, said) == (10, "ufw's rules are not loaded as its files have them: ufw reload")


def test_a_file_that_others_changed_is_said_all_the_same(host: StepHost) -> None:
    host.file("/etc/ufw/user6.rules", "*filter\n### RULES ###\n\n### END RULES ###\nCOMMIT\n")
    status, said = host.call(STEP, "check", bulk=RULES)
    assert status == 10
    assert said.startswith("/etc/ufw/user6.rules is not what the site needs: allow tcp 22 ::/0")
