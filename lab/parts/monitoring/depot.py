"""Monitoring in the lab: the real Prometheus Operator with its CRDs, Debian's Prometheus and node exporter.

The chart is a stand-in with the upstream's names and values; a script takes the place of kube-state-metrics.
"""

import hashlib
import shutil
from pathlib import Path

from lab.depot import rootfs
from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES, PROMETHEUS_OPERATOR
from lab.tools.debian import unpacked
from tools.cache import whole
from tools.gobuild import module_folder

HERE = Path(__file__).parent
CHART = HERE / "chart" / "kube-prometheus-stack"
_STATES = HERE / "kube-state-metrics.sh"
_VERSION = PROMETHEUS_OPERATOR.version


def images() -> dict[str, Image]:
    """One program each, as upstream's images have them."""
    of_debian = {
        "prometheus/prometheus:v2.42.0": ("prometheus", "prometheus"),
        "prometheus/node-exporter:v1.5.0": ("prometheus-node-exporter", "prometheus-node-exporter"),
    }
    found: dict[str, Image] = {}
    of_module = {"prometheus-operator": "operator", "prometheus-config-reloader": "prometheus-config-reloader"}
    for name, program in of_module.items():
        found[f"prometheus-operator/{name}:v{_VERSION}"] = (
            {f"bin/{program}": (TOOLS_BIN / program).resolve()},
            [f"/bin/{program}"],
        )
    for name, (package, program) in of_debian.items():
        files = rootfs.of(("libc6",)) | {f"usr/bin/{program}": unpacked(package) / "usr/bin" / program}
        found[name] = (files, [f"/usr/bin/{program}"])
    busybox = {path.replace("bin/", "usr/bin/", 1): file for path, file in rootfs.busybox().items()}
    kubectl = (TOOLS_BIN / "kubectl").resolve()
    files = {**busybox, "bin": "usr/bin", "usr/bin/kubectl": kubectl, "states.sh": _STATES}
    found["kube-state-metrics/kube-state-metrics:v2.17.0"] = (files, ["/bin/sh", "/states.sh"])
    return found


def charts() -> list[Path]:
    """The stand-in, with the operator's own CRDs."""
    content = b"".join(file.read_bytes() for file in sorted(CHART.rglob("*")) if file.is_file())
    return [whole(f"chart-{PROMETHEUS_OPERATOR.key}-{hashlib.sha256(content).hexdigest()[:8]}", _copy) / CHART.name]


def _copy(folder: Path) -> None:
    shutil.copytree(CHART, folder / CHART.name)
    crds = module_folder(PROMETHEUS_OPERATOR) / "example" / "prometheus-operator-crd"
    shutil.copytree(crds, folder / CHART.name / "crds", copy_function=shutil.copyfile)


SUPPLY = Supply(
    images=images,
    charts=charts,
    sources=lambda: [Path(__file__), _STATES],
    keys=(PROMETHEUS_OPERATOR.key, KUBERNETES.key),
    programs=PROMETHEUS_OPERATOR.binaries,
)
