"""NVIDIA's driver, fabric manager and container toolkit as Debian packages, named and divided as in its repositories.

Their programs are stand-ins. The driver comes in two versions of one branch, and in one of a later branch.
"""

import os
import re
from pathlib import Path

from lab.depot.deb import Deb, Source
from lab.hosts.gpus import FAKES

HERE = Path(__file__).parent / "packages" / "nvidia"
DRIVERS = ("580.95.05", "580.105.08", "595.71.05")
TOOLKIT = "1.20.1"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_UNITS = "usr/lib/systemd/system"


def packages() -> list[Deb]:
    """All of them, and the kernel's headers, which the driver is built with."""
    return [deb for version in DRIVERS for deb in _driver(version)] + _toolkit() + _headers()


def sources() -> list[Path]:
    """The files that they are made of."""
    return [Path(__file__), FAKES / "nvidia-smi", *sorted(HERE.iterdir())]


def _driver(version: str) -> list[Deb]:
    same = f"(= {version}-1)"
    user = f"nvidia-driver-cuda {same}, nvidia-persistenced {same}"
    return [
        _meta("nvidia-open", version, f"{user}, nvidia-kernel-open-dkms {same}"),
        _meta("cuda-drivers", version, f"{user}, nvidia-kernel-dkms {same}"),
        _kernel("nvidia-kernel-open-dkms", version, {}, "nvidia-kernel-dkms"),
        _kernel("nvidia-kernel-dkms", version, {"proprietary": "\n"}, "nvidia-kernel-open-dkms"),
        _deb(
            "nvidia-driver-cuda",
            version,
            {
                "usr/bin/nvidia-smi": (FAKES / "nvidia-smi", 0o755),
                "usr/share/lab-nvidia/version": (f"{version}\n", 0o644),
                f"{_LIBRARIES}/libnvidia-ml.so.{version}": ("The lab's stand-in of a library.\n", 0o644),
            },
        ),
        _service("nvidia-persistenced", version, "nvidia-persistenced", {}),
        _service(
            "nvidia-fabricmanager",
            version,
            "nv-fabricmanager",
            {"usr/share/lab-nvidia/fabricmanager": (f"{version}\n", 0o644)},
        ),
    ]


def _kernel(name: str, version: str, more: dict[str, str], other: str) -> Deb:
    texts = {"dkms.conf": f'PACKAGE_VERSION="{version}"\n', **more}
    return _deb(name, version, {f"usr/src/nvidia-{version}/{k}": (v, 0o644) for k, v in texts.items()}, conflicts=other)


def _service(name: str, version: str, program: str, more: dict[str, tuple[Source, int]]) -> Deb:
    files: dict[str, tuple[Source, int]] = {
        f"usr/bin/{program}": (HERE / program, 0o755),
        f"{_UNITS}/{name}.service": (HERE / f"{name}.service", 0o644),
    }
    return _deb(name, version, files | more, scripts={"prerm": HERE / "service.prerm"})


def _toolkit() -> list[Deb]:
    same = f"(= {TOOLKIT}-1)"
    files: dict[str, tuple[Source, int]] = {
        "usr/bin/nvidia-ctk": (HERE / "nvidia-ctk", 0o755),
        "usr/bin/nvidia-container-runtime": (HERE / "nvidia-container-runtime", 0o755),
        f"{_UNITS}/nvidia-cdi-refresh.service": (HERE / "nvidia-cdi-refresh.service", 0o644),
        "etc/nvidia-container-runtime/config.toml": (HERE / "config.toml", 0o644),
    }
    base = _deb(
        "nvidia-container-toolkit-base", TOOLKIT, files, configuration=("/etc/nvidia-container-runtime/config.toml",)
    )
    return [
        base,
        _meta("libnvidia-container1", TOOLKIT, ""),
        _meta("libnvidia-container-tools", TOOLKIT, f"libnvidia-container1 {same}"),
        _meta(
            "nvidia-container-toolkit",
            TOOLKIT,
            f"nvidia-container-toolkit-base {same}, libnvidia-container-tools {same}",
        ),
    ]


def _headers() -> list[Deb]:
    """Of the kernel that this machine, and so each host, runs; none where its release is no package name."""
    release = os.uname().release
    return [_meta(f"linux-headers-{release}", "1", "")] if re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", release) else []


def _meta(name: str, version: str, depends: str) -> Deb:
    return _deb(name, version, {}, depends=depends)


def _deb(
    name: str,
    version: str,
    files: dict[str, tuple[Source, int]],
    *,
    depends: str = "",
    conflicts: str = "",
    scripts: dict[str, Path] | None = None,
    configuration: tuple[str, ...] = (),
) -> Deb:
    return Deb(
        name,
        f"{version}-1",
        "Stand-in of the lab, not NVIDIA's own",
        files,
        depends=depends,
        conflicts=conflicts,
        scripts=scripts or {},
        configuration=configuration,
    )
