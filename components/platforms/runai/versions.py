"""Run:ai's charts, and what its releases ask for.

Next: https://docs.nvidia.com/run-ai/self-hosted/documentation/getting-started/whats-new, then the pages support-matrix
and upgrade/plan-the-upgrade there.
"""

VERSION = "3.0.0"
CONTROL_PLANE = "control-plane"
CLUSTER = "runai-cluster"
OPEN = "https://helm.ngc.nvidia.com/nvidia/runai-oss"
"""The open-source release, from 3.0 on; without a login."""

RELEASES = ("2.17", "2.18", "2.19", "2.20", "2.21", "2.22", "2.23", "2.24", "2.25", "2.26", "3.0")
"""In their order: an upgrade is counted in them. The first is the oldest from which 2.25 can be reached."""
HOP = 4
"""How many of them one upgrade may go: plan-the-upgrade.md of 3.0."""
BOOTSTRAP = "3.0"
"""From here on a cluster joins by a bootstrap token, before by a client's secret."""

FRACTIONS = "3.0"
FRACTIONS_OPERATOR = "26.7.1"
FRACTIONS_DRIVER = 615
"""From that release on, fractions of a GPU need this GPU Operator and this branch of the driver, which must be set:
the first note of support-matrix.md of 3.0. Before, they needed nothing more."""

KNATIVE = {"2.25": "1.19 to 1.21", "3.0": "1.21 to 1.23"}
"""By release: the Knative Serving that models are served by, of the support matrices."""

PREEMPTIBILITY = "2.25"
"""From here on a workload says by a label of its own whether it may be stopped for others, and has one of seven
priorities; before, its priority said both: workload-priority-control of 2.25."""
GANG_OF_JOB = "3.0"
"""From here on a plain Job starts all its pods together if an annotation says so: KAI Scheduler, pull request 1308,
after 0.14; 3.0 has 0.16. Before, only kinds of the training operator did."""
FRACTION_LIMIT = "3.0"
"""From here on a part of a GPU has its limit by an annotation, of which upgrade/migrate-gpu-fractions of 3.0 tells; its
name is in KAI Scheduler, plugin nvfractions. Before, by an environment variable: dynamic-fractions of 2.25."""
MLFLOW_KEPT = 100
"""Seconds after its end for which a job of MLflow stays, as in the guide's template."""
MLFLOW = "1.11.5"
MLFLOW_REPOSITORY = "https://community-charts.github.io/helm-charts"
MLFLOW_IMAGE, MLFLOW_APP = "burakince/mlflow", "3.15.1"
"""MLflow's tracking server: chart, and image with what the server needs for users. Next: the chart's Chart.yaml in
https://github.com/community-charts/helm-charts."""
SAMPLE_IMAGE = "gcr.io/run-ai-demo/quickstart"
"""The image of the guide's jobs."""

ROLES = {"2": "L1 researcher", "3": "AI practitioner"}
"""By major version: the role of a person who submits workloads to a project."""
ADMINISTRATOR = "System administrator"

SYSTEM_CPUS, SYSTEM_MEMORY_GB, SYSTEM_DISK_GB = 4, 8, 120
"""What the appliance's guide asks of each system node at least."""
BOTH_CPUS, BOTH_MEMORY_GB, BOTH_DISK_GB = 20, 32, 160
"""What control plane (10, 12, 110) and cluster (10, 20, 50) of 2.25 ask together: cp-system-requirements and
system-requirements of its documentation. 3.0's own numbers could not be read."""
VOLUMES_GB = 110
"""What the control plane's volumes take together."""

FIRST_PASSWORDS = frozenset({"Abcd!234", "password"})
"""What everybody knows: of the guide, and of 2.17 to 2.20."""


def line(version: str) -> str:
    """The release that a version belongs to: 2.25.3 is of 2.25."""
    return ".".join(version.split(".")[:2])


def at_least(version: str, least: str) -> bool:
    """Whether a version is of this release or a later one."""
    return tuple(map(int, line(version).split("."))) >= tuple(map(int, least.split(".")))


def hop(old: str, new: str) -> str | None:
    """Why one upgrade cannot go from a version to another, and what can; None if it can."""
    if tuple(map(int, new.split("."))) < tuple(map(int, old.split("."))):
        return f"{old} is installed, and Run:ai has no way back to {new}. Write version: {old!r}".replace("'", '"')
    before, after = line(old), line(new)
    if before not in RELEASES or after not in RELEASES or RELEASES.index(after) - RELEASES.index(before) <= HOP:
        return None
    step = RELEASES[RELEASES.index(before) + HOP]
    return f"{old} is installed, and an upgrade goes {HOP} releases at most. Go to {step} first, then to {new}"
