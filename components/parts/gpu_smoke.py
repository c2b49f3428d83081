"""A job whose pod asks for GPUs, and fails unless it sees as many.

Rows: O4.
"""

import json
from hashlib import sha256

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    TolerationArgs,
)

from components.gpu.pods import CONFIG, RESOURCE, SMOKE, TAINT, Hosts, Smoke
from components.kubernetes.force import FORCE
from components.parts import gpu_taints

_SCRIPT = """\
seen=$(nvidia-smi -L | grep -c MIG)
[ "$seen" -gt 0 ] || seen=$(nvidia-smi -L | grep -c ^GPU)
echo "sees $seen of $1 GPUs"
[ "$seen" -eq "$1" ]
"""


_UNSHARED = AffinityArgs(
    node_affinity=NodeAffinityArgs(
        required_during_scheduling_ignored_during_execution=NodeSelectorArgs(
            node_selector_terms=[
                NodeSelectorTermArgs(
                    match_expressions=[NodeSelectorRequirementArgs(key=CONFIG, operator="DoesNotExist")]
                )
            ]
        )
    )
)
"""Of a GPU that is offered several times, a pod may get two and see one."""


def smoke(
    name: str,
    namespace: str,
    wanted: Smoke,
    release: object,
    *,
    serving: Hosts,
    runtime: str | None = None,
    opts: ResourceOptions,
) -> None:
    """Runs it once for each `release`: what is to be proven, as JSON can write it.

    `serving` are the hosts whose GPUs it may get. `runtime` is the runtime class that gives containers their GPUs,
    where the default one does not. `up` does not wait for the job, since all GPUs may be in use: `sitectl verify` says
    what became of it.
    """
    tolerated = [TolerationArgs(key=TAINT, operator="Exists")]
    tolerated += [TolerationArgs(**each) for each in gpu_taints.more(serving)]
    k8s.batch.v1.Job(
        f"{name}-smoke",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=SMOKE, namespace=namespace, annotations={**FORCE, "pulumi.com/skipAwait": "true"}
        ),
        spec=k8s.batch.v1.JobSpecArgs(
            backoff_limit=6,
            completions=1,
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(annotations={"gpu-metal/release": _digest(release)}),
                spec=k8s.core.v1.PodSpecArgs(
                    restart_policy="Never",
                    runtime_class_name=runtime,
                    automount_service_account_token=False,
                    tolerations=tolerated,
                    affinity=_UNSHARED if wanted.gpus > 1 and _shared(serving) else None,
                    containers=[_container(wanted)],
                ),
            ),
        ),
        opts=opts,
    )


def _digest(release: object) -> str:
    return sha256(json.dumps(release, sort_keys=True).encode()).hexdigest()[:16]


def _shared(serving: Hosts) -> bool:
    return any(CONFIG in host.labels for host in serving.values())


def _container(wanted: Smoke) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="smoke",
        image=wanted.image,
        command=["sh", "-c", _SCRIPT, "_", str(wanted.gpus)],
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={"cpu": "100m", "memory": "128Mi"},
            limits={"cpu": "1", "memory": "512Mi", RESOURCE: str(wanted.gpus)},
        ),
        security_context=k8s.core.v1.SecurityContextArgs(
            allow_privilege_escalation=False, capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"])
        ),
    )
