"""Monitoring in the lab: the real Prometheus and its operator with its CRDs, and Debian's node exporter.

The chart is a stand-in with the upstream's names and values; a script takes the place of kube-state-metrics.
"""

import hashlib
import shutil
from pathlib import Path

from lab.depot import rootfs
from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES, PROMETHEUS, PROMETHEUS_OPERATOR
from tools.cache import whole
from tools.gobuild import module_folder

HERE = Path(__file__).parent
CHART = HERE / "chart" / "kube-prometheus-stack"
_STATES = HERE / "kube-state-metrics.sh"
_VERSION = PROMETHEUS_OPERATOR.version
PROMETHEUS_IMAGE = "prometheus/prometheus:v3.14.0-distroless"
"""As the chart names it."""


def images() -> dict[str, Image]:
    """One program each, as upstream's images have them."""
    found: dict[str, Image] = {PROMETHEUS_IMAGE: _program("prometheus")}
    of_module = {"prometheus-operator": "operator", "prometheus-config-reloader": "prometheus-config-reloader"}
    for name, program in of_module.items():
        found[f"prometheus-operator/{name}:v{_VERSION}"] = _program(program)
    exporter = "prometheus-node-exporter"
    files = rootfs.of(("libc6", exporter))
    found["prometheus/node-exporter:v1.5.0"] = (files, [f"/usr/bin/{exporter}"])
    busybox = {path.replace("bin/", "usr/bin/", 1): file for path, file in rootfs.busybox().items()}
    kubectl = (TOOLS_BIN / "kubectl").resolve()
    files = {**busybox, "bin": "usr/bin", "usr/bin/kubectl": kubectl, "states.sh": _STATES}
    found["kube-state-metrics/kube-state-metrics:v2.17.0"] = (files, ["/bin/sh", "/states.sh"])
    return found


def _program(name: str) -> Image:
    return {f"bin/{name}": (TOOLS_BIN / name).resolve()}, [f"/bin/{name}"]


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
    keys=(PROMETHEUS_OPERATOR.key, PROMETHEUS.key, KUBERNETES.key),
)
