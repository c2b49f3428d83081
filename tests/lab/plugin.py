"""What the official kubernetes plugin does on a site's cluster."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.kubernetes import release
from lab.hosts.inventory import GATEWAY, WEB_PORT, host
from tests.lab.stack import Ran, Stack, until
from tests.scripts.lab_host import target

PROGRAM = f"""
import json
from pathlib import Path
import pulumi
import pulumi_kubernetes as k8s

config = json.loads(Path("config.json").read_text())
provider = k8s.Provider(
    "api",
    kubeconfig=pulumi.Output.secret(config["kubeconfig"]),
    cluster_identifier="release",
    kube_client_settings={{"timeout": 30}},
)
opts = pulumi.ResourceOptions(provider=provider)
namespace = k8s.core.v1.Namespace("smoke", metadata={{"name": "smoke"}}, opts=opts)
k8s.helm.v3.Release(
    "smoke-release",
    name="smoke",
    namespace="smoke",
    chart="smoke",
    version="0.1.0",
    repository_opts={{"repo": "http://{GATEWAY}:{WEB_PORT}/charts"}},
    values=config["values"],
    timeout=config["timeout"],
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[namespace]),
)
"""


class Release:
    """A project with one chart of the depot as a Helm release, in the state of the site's stack."""

    def __init__(self, stack: Stack, folder: Path, kubeconfig: str) -> None:
        self._stack, self._folder, self._kubeconfig = stack, folder, kubeconfig
        folder.chmod(0o700)
        (folder / "Pulumi.yaml").write_text("name: release\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        self.pulumi("stack", "init", "release").ok()

    def up(self, *more: str, timeout: int = 180, **values: object) -> Ran:
        """`pulumi up` with those values of the chart."""
        config = {"kubeconfig": self._kubeconfig, "values": values, "timeout": timeout}
        (self._folder / "config.json").write_text(json.dumps(config))
        return self.pulumi("up", "--yes", "--skip-preview", *more)

    def pulumi(self, *words: str) -> Ran:
        """Any verb."""
        return self._stack.run("pulumi", "-C", str(self._folder), "--non-interactive", *words)


def installs_a_chart(stack: Stack, folder: Path, kubeconfig: str, kubectl: Callable[..., Any]) -> None:
    """A release that does not become ready is recorded and healed by the next run; it follows its values, and goes."""
    chart = Release(stack, folder, kubeconfig)
    failed = chart.up(image="registry.k8s.io/no-such-image:1", timeout=10)
    assert failed.status != 0, failed.text
    chart.up(replicas=1).ok()
    assert kubectl("get", "deployment", "smoke", "-n", "smoke")["status"]["readyReplicas"] == 1
    # A state that lost the release: Helm has it still, forgets it, and takes its objects over.
    uid = kubectl("get", "deployment", "smoke", "-n", "smoke")["metadata"]["uid"]
    urn = next(
        line for line in chart.pulumi("stack", "--show-urns").ok().out.split() if line.endswith("::smoke-release")
    )
    chart.pulumi("state", "delete", urn, "--yes").ok()
    assert chart.up(replicas=2).status != 0
    asyncio.run(release.forget([target(host("cp-1"))], "smoke", "smoke"))
    chart.up(replicas=2).ok()
    deployment = kubectl("get", "deployment", "smoke", "-n", "smoke")
    assert (deployment["metadata"]["uid"], deployment["status"]["readyReplicas"]) == (uid, 2)
    chart.up("--expect-no-changes", replicas=2).ok()
    chart.pulumi("destroy", "--yes").ok()
    assert "smoke" not in {item["metadata"]["name"] for item in kubectl("get", "namespaces")["items"]}


def leaves_no_kubeconfig(stack: Stack) -> None:
    """The file that the plugin writes is its owner's while the run lasts, and gone after it."""
    tmp = stack.folder / "tmp"
    before = set(tmp.iterdir())  # of a session that was killed as a whole, with what tidies up after it
    run = stack.start(*stack.command("up", "--yes", "--skip-preview", "--expect-no-changes"))
    until(lambda: any(tmp.glob("*/kubeconfig*")), what="the file that the kubernetes plugin writes", limit=120)
    for file in tmp.glob("*/kubeconfig*"):
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert run.wait(300) == 0
    until(lambda: set(tmp.iterdir()) <= before, what="the TMPDIR from before the run", limit=60)
