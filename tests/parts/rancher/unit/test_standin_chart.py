"""The stand-in's chart, rendered by helm: what it makes, and which values it refuses."""

import subprocess
from typing import Any

import pytest

from components.platforms.rancher import versions
from lab.parts.rancher import depot
from tests.parts.rancher.standin import CHART, rendered


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def test_what_it_makes() -> None:
    made = rendered("ingress.tls.source=secret", "bootstrapPassword=s", "systemDefaultRegistry=r.lab:5000")
    [container] = only(made, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"r.lab:5000/{depot.IMAGE}"
    assert only(made, "Ingress")["spec"]["tls"] == [{"hosts": ["rancher.lab"], "secretName": "tls-rancher-ingress"}]
    assert "bootstrap-secret" in {each["metadata"]["name"] for each in made if each["kind"] == "Secret"}
    assert not [each for each in made if "cert-manager" in each["apiVersion"]]
    assert "cert-manager.io/v1" in {each["apiVersion"] for each in rendered()}


@pytest.mark.parametrize(
    "value", ["nonsense=1", "ingress.nonsense=1", "ingress.tls.source=own", "replicas=three", "auditLog.level=4"]
)
def test_refused_values(value: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        rendered(value)
    assert "values don't meet the specifications of the schema" in caught.value.stderr


def test_what_it_says_it_is() -> None:
    assert "stand-in of Rancher" in (CHART / "Chart.yaml").read_text()
    assert f"version: {versions.VERSION}\n" in (CHART / "Chart.yaml").read_text()
    assert depot.IMAGE.endswith(f":v{versions.VERSION}")
