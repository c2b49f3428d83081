"""`sitectl facts` as people read it: one row a host, then advice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from components.hostrun.report import Report
from ops import render

HEADS = ("HOST", "OS", "CPUS", "MEMORY", "GPU", "DRIVER", "KERNEL", "CONTAINERD", "KUBELET", "RESULT")


def row(answer: Report, host: str) -> list[str]:
    """The cells of one host under HEADS; a host that did not answer has only a result."""
    own = answer.facts.get(host, {})
    driver = own.get("gpus", {}).get("driver")
    versions = [str(own.get(key) or "-") for key in ("kernel", "containerd", "kubelet")]
    return [host, *render.machine(own), str(driver or "-"), *versions, render.by_host(answer, host)]


def remarks(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What could not be read about GPUs, and advice on the firmware: one line for each cause, with all its hosts."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for name, own in facts.items():
        gpus = own["gpus"]
        for says in (gpus["driver_says"], gpus.get("pci_says")):
            if says:
                hosts[f"[gpus] {says}"].append(name)
        for one in own.get("advice", ()):
            if one["advice"]:
                hosts[f"[{one['about']}] {one['seen']}. {one['advice']}"].append(name)
    for text, names in hosts.items():
        yield f"! {render.fold(names)} {text}"
