"""The helm binary: kubeconfig and values reach it through memory, never through files or its command line."""

import json
import os
import signal
import subprocess
from threading import Lock
from typing import Any

import yaml

from lab.plugins.kubernetes_provider.cluster import in_memory
from lab.plugins.kubernetes_provider.config import Settings
from lab.plugins.serve import PluginError


class HelmError(PluginError):
    """helm ended with an error; the text is its stderr."""


class Helm:
    """Runs helm against the provider's cluster."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = Lock()

    def run(self, *words: str, values: dict[str, Any] | None = None, cluster: bool = True) -> str:
        """helm's stdout. Raises HelmError."""
        descriptors, arguments = [], ["helm", *words]
        if values is not None:
            descriptors.append(in_memory(json.dumps(values)))
            arguments += ["--values", f"/proc/self/fd/{descriptors[-1]}"]
        if cluster and self._settings.kubeconfig is not None:
            descriptors.append(in_memory(self._settings.kubeconfig))
            arguments += ["--kubeconfig", f"/proc/self/fd/{descriptors[-1]}"]
        if cluster and self._settings.context:
            arguments += ["--kube-context", self._settings.context]
        try:
            return self._finished(arguments, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _finished(self, arguments: list[str], descriptors: list[int]) -> str:
        environment = {**os.environ, **self._settings.helm_environment}
        try:
            process = subprocess.Popen(
                arguments, env=environment, pass_fds=descriptors, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise HelmError("helm is not on PATH. Fix: lab/tools/get.sh builds it") from None
        with self._lock:
            self._running.add(process)
        try:
            out, said = process.communicate()
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise HelmError(said.strip().removeprefix("Error: "))
        return out

    def cancel(self) -> None:
        """Interrupt what runs: helm then marks its release as failed."""
        with self._lock:
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def chart(self, *source: str) -> dict[str, Any]:
        """Chart.yaml of a chart, wherever it comes from."""
        parsed: dict[str, Any] = yaml.safe_load(self.run("show", "chart", *source, cluster=False))
        return parsed

    def metadata(self, name: str, namespace: str) -> dict[str, Any] | None:
        """A release's chart, version, revision and status; None when there is none."""
        try:
            answer: dict[str, Any] = json.loads(self.run("get", "metadata", name, "-n", namespace, "-o", "json"))
        except HelmError as error:
            if "release: not found" in str(error):
                return None
            raise
        return answer

    def values(self, name: str, namespace: str) -> dict[str, Any]:
        """The values that a release was given."""
        return json.loads(self.run("get", "values", name, "-n", namespace, "-o", "json")) or {}

    def resource_names(self, name: str, namespace: str) -> dict[str, list[str]]:
        """What a release's manifest has, as `KIND.GROUP/VERSION` → names."""
        names: dict[str, list[str]] = {}
        for entry in yaml.safe_load_all(self.run("get", "manifest", name, "-n", namespace)):
            if entry:
                group = entry["apiVersion"].rpartition("/")[0]
                key = (
                    f"{entry['kind']}.{group}/{entry['apiVersion']}"
                    if group
                    else f"{entry['kind']}/{entry['apiVersion']}"
                )
                place = entry["metadata"].get("namespace")
                names.setdefault(key, []).append("/".join(filter(None, (place, entry["metadata"]["name"]))))
        return names
