"""What the step api_server compares of a manifest besides arguments: environment, image, probes, resources, mounts.

Does not prove: what kubeadm and kubectl make of a manifest; tests/scripts/test_kubernetes_steps.py does.
"""

from pathlib import Path

import pytest

from tests.unit.test_api_server import DECIDES, FORMER, MANIFEST, RUN, SITE, Piece

MADE = (
    "--good=1\ncontainer kube-apiserver=k8s/kube-apiserver:v1.34.2\nenv FOO=right\nlivenessProbe={x}\n"
    "resources={y}\nmount ca /usr/share/ca-certificates"
)


@pytest.fixture
def plane(tmp_path: Path) -> Piece:
    """A control plane that the step has taken over before."""
    piece = Piece(tmp_path)
    for name in ("crt", "key"):
        piece.host.file(f"/etc/kubernetes/pki/apiserver.{name}", f"old {name}\n")
    return piece


def checked(plane: Piece, manifest: str) -> str:
    plane.host.file(MANIFEST, f"{manifest}\n")
    lines = f"{RUN}\n_plan() {{ contents=$(_contents <<<'{MADE}') seen=a wanted=a; }}"
    return plane(f"{lines}\napi_server_arguments() {{ echo --good=1; }}\ncheck", DECIDES, previous=SITE)[1]


@pytest.mark.row("K3", "X22")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("v1.34.2", "v1.34.9", "saw container kube-apiserver=k8s/kube-apiserver:v1.34.9, wanted container kube-"),
        ("env FOO=right", "env FOO=wrong", "saw env FOO=sha256:"),
        ("env FOO=right\n", "", "env FOO is absent, wanted env FOO=sha256:"),
        ("env FOO=right", "env FOO=right\nenv HAND=secret", "env HAND=sha256:"),
        ("Probe={x}", "Probe={z}", "saw livenessProbe={z}, wanted livenessProbe={x}"),
        ("resources={y}", "resources=", "saw resources=, wanted resources={y}"),
        ("mount ca", "mount hand /srv\nmount ca", "mount hand /srv is there, the site does not give it"),
        ("--good=1\n", "--good=1\ncontainer side=a:1\n", "container side=a:1 is there, the site does not give it"),
    ],
)
def test_what_people_wrote_into_the_manifest_is_drift(plane: Piece, old: str, new: str, said: str) -> None:
    assert checked(plane, MADE) == ""
    seen = checked(plane, MADE.replace(old, new))
    assert seen.startswith(f"{MANIFEST}: {said}")
    assert "right" not in seen and "secret" not in seen, "a variable's value may be a secret"


def test_what_kubeadm_takes_from_the_host_at_that_moment_is_no_drift(plane: Piece) -> None:
    assert checked(plane, f"{MADE}\nenv HTTPS_PROXY=http://proxy\nmount own /usr/local/share/ca-certificates") == ""


@pytest.mark.row("K3")
@pytest.mark.parametrize(("started", "kept"), [("now", True), ("before", False)])
def test_another_environment_is_proven_by_a_process_that_began_after_it_was_written(
    plane: Piece, started: str, kept: bool
) -> None:
    """Its arguments do not tell the old process from the new one."""
    plane.host.file(MANIFEST, f"{MADE.replace('right', 'wrong')}\n")
    plane.host.program("ps", f"echo {0 if started == 'now' else 900}")
    ready = "api_server_is_ready() { :; }\napi_server_shows() { :; }\napi_server_arguments() { echo --good=1; }"
    late = "sleep() { SECONDS=999; }\napi_server_logs() { :; }\napi_server_process() { echo 7; }"
    run = RUN.replace("_answers() { [[ $contents == --good=* ]]; }\n", "")
    made = f"_plan() {{ manifest='{MADE}'; contents=$(_contents <<<\"$manifest\") seen=a wanted=a; }}"
    status, said = plane(f"{run}\n{ready}\n{late}\n{made}\napply", DECIDES, previous=SITE)
    assert (status, plane.host.path(FORMER).exists()) == ((0, False) if kept else (1, False)), said
    assert ("FOO=right" in plane.host.path(MANIFEST).read_text()) == kept
    assert kept or "the API server does not run with the site's settings (saw env FOO=sha256:" in said
