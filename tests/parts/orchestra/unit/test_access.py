"""The pilot's kubeconfig warns before its certificate or token ends. Does not prove: that the API takes one."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.platforms.orchestra import steps
from tests.unit.step_host import StepHost

STEP = Path(steps.__file__).parent / "steps/orchestra_access.sh"
FIX = "Fix: in the site of the cluster that runs the jobs, sitectl user kubeconfig USER --days 90 --to FILE; here, "


def kubeconfig(days: int, token: int | None) -> dict[str, str]:
    """A user whose certificate, and whose token if there is one, end in so many days and a half."""
    now, half = datetime.now(UTC), timedelta(hours=12)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pilot")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days) + half)
    text = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    user = {"client-certificate-data": base64.b64encode(text).decode()}
    if token is not None:
        body = json.dumps({"exp": int((now + timedelta(days=token) + half).timestamp())}).encode()
        user["token"] = f"e30.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.c2ln"
    return user


@pytest.mark.row("T4")
@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize(
    ("days", "token", "says"),
    [
        (90, None, ""),
        (12, None, f"in 12 days. {FIX}"),
        (90, 5, "in 5 days. "),
        (-1, None, f"the pilot starts no jobs. {FIX}"),
        (90, -3, "the pilot starts no jobs. "),
    ],
)
def test_a_kubeconfig_that_ends_soon_is_worth_a_line_and_one_that_ended_does_not_hold(
    tmp_path: Path, days: int, token: int | None, says: str, form: str
) -> None:
    host, user = StepHost(tmp_path), kubeconfig(days, token)
    lines = "".join(f"    {key}: {value}\n" for key, value in user.items())
    text = f"apiVersion: v1\nkind: Config\nusers:\n- name: pilot\n  user:\n{lines}"
    if form == "json":
        text = json.dumps({"kind": "Config", "users": [{"name": "pilot", "user": user}]}, indent=2)
    host.file("/etc/orchestra/kubeconfig", text)
    status, text = host.call(STEP, "check", {"user": "orchestra"})
    left = days if token is None else min(days, token)
    assert (status == 0) == (left > 0), text
    assert says in text
    ends = (datetime.now(UTC) + timedelta(days=left, hours=12)).date()
    assert bool(says) == (f"the pilot's kubeconfig end{'s' if left > 0 else 'ed'} on {ends}" in text)


@pytest.mark.row("T4")
def test_one_that_names_no_end_holds(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.file("/etc/orchestra/kubeconfig", "users:\n- name: pilot\n  user:\n    token: an-opaque-one\n")
    assert host.call(STEP, "check", {"user": "orchestra"}) == (0, "")
