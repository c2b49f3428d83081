"""X5: a site's state in S3 with KMS secrets, as docs/how-to/team.md says. moto's server stands for both.

Does not prove: AWS' own consistency, IAM, or that two writers at the very same instant are told apart.
"""

import subprocess
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lab.paths import LAB
from tests.lab.stack import Ran, Stack, kill_session, until
from tests.scripts.lab_host import HOST, fresh

pytestmark = pytest.mark.lab

REGION = "us-east-1"
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """moto's server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> "boto3.resources.base.ServiceResource":
    """An empty bucket."""
    s3 = boto3.resource("s3", endpoint_url=endpoint, region_name=REGION, **_keys())
    return s3.create_bucket(Bucket="sites")


@pytest.fixture(scope="module")
def stack(endpoint: str, bucket: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:  # noqa: ARG001
    """One host, reached by a key that is a secret of the stack."""
    kms = boto3.client("kms", endpoint_url=endpoint, region_name=REGION, **_keys())
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    backend = f"s3://sites?region={REGION}&endpoint={endpoint}&s3ForcePathStyle=true"
    stack = Stack("team", tmp_path_factory.mktemp("team"), {**AWS, "PULUMI_BACKEND_URL": backend})
    stack.create(
        {
            "knownHosts": "${GPU_METAL_LAB}/known_hosts",
            "ssh": {"user": "deploy", "keySecret": "deployKey"},
            "minimum": {"memoryGb": 1, "diskGb": 1},
            "sysctl": {"net.core.somaxconn": "4096"},
            "hosts": {HOST.name: {"address": HOST.address}},
        },
        "--secrets-provider",
        f"awskms://{key}?region={REGION}&endpoint={endpoint}",
    )
    words = ["pulumi", "-C", str(stack.folder), "config", "set", "--secret", "deployKey", "--stack", "team"]
    with (LAB / "id_ed25519").open() as secret:
        subprocess.run(words, stdin=secret, env=stack.env, check=True, capture_output=True)
    with fresh(HOST):
        yield stack


def _keys() -> dict[str, str]:
    return {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def _second_writer(stack: Stack, bucket: "boto3.resources.base.ServiceResource") -> tuple[Ran, int]:
    """What a second `up` is told while a first one works, and how the first one ends."""
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4097"}))
    # The host's own lock makes the first writer wait for as long as this test wants.
    held = stack.hold(HOST.name)
    try:
        first = stack.start(*stack.command("up", "--yes", "--skip-preview"))
        until(lambda: any("/locks/" in o.key for o in bucket.objects.all()), what="the first writer's lock")
        second = stack.up()
    finally:
        kill_session(held)
    return second, first.wait(timeout=1500)


def test_x5_state_in_s3_with_kms(stack: Stack, bucket: "boto3.resources.base.ServiceResource") -> None:
    stack.up().ok()
    second, first_status = _second_writer(stack, bucket)
    assert second.status != 0
    assert "currently locked by 1 lock" in second.text
    assert first_status == 0
    stack.up("--expect-no-changes").ok()

    body = (LAB / "id_ed25519").read_text().splitlines()[1]
    objects = {o.key: o.get()["Body"].read().decode(errors="replace") for o in bucket.objects.all()}
    assert any(key.endswith("team.json") for key in objects)
    assert [key for key, text in objects.items() if body in text] == []
    assert body not in stack.file.read_text()
    assert not any("/locks/" in key for key in objects)

    stack.destroy().ok()
