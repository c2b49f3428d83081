"""What a site may say of its container engine (rows C1, C2)."""

from typing import Literal

from components.model import Model

CgroupDriver = Literal["systemd", "cgroupfs"]


class Engine(Model):
    """containerd, its settings as drop-ins (C1, C2, C5)."""

    kind: Literal["containerd"] = "containerd"
    """containerd is the only one."""
    package: Literal["containerd", "containerd.io"] = "containerd.io"
    """`containerd` is the distribution's own, `containerd.io` Docker's build."""
    version: str | None = None
    """Package version, pinned and held; none takes what the source has and holds that."""
    cgroup_driver: CgroupDriver = "systemd"
    """The kubelet is given the same."""
    restrict_oom_score_adj: bool = False
    """For kernels that withhold CAP_SYS_RESOURCE."""
    mirrors: dict[str, tuple[str, ...]] = {}
    """Registry host → mirror URLs, tried in order before the registry itself (air-gapped sites)."""
