"""Sites that are right, but near to what a rule refuses."""

from pathlib import Path

import pytest

from stacks.load import load_site


def load(folder: Path, site: str) -> None:
    text = "".join(f"    {line}\n" for line in site.strip().splitlines())
    (folder / "Pulumi.lab.yaml").write_text(f"config:\n  gpu-metal:site:\n{text}")
    load_site("lab", folder, keys=False)


@pytest.mark.parametrize("label", ["spare", "runai-system", "runai-gpu-worker", "gpu"])
def test_a_node_may_have_roles_of_the_sites_own(tmp_path: Path, label: str) -> None:
    host = f'{{address: 10.0.0.5, roles: [control-plane], labels: {{node-role.kubernetes.io/{label}: ""}}}}'
    load(tmp_path, f"hosts: {{cp-1: {host}}}\nkubernetes: {{}}")
