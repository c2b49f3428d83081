"""The step api_server in pieces, with stand-ins for kubeadm, kubectl and the API server.

Does not prove: what kubeadm and a real API server make of it; tests/scripts/test_kubernetes_steps.py does.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/api_server.sh"
FORMER = "/etc/kubernetes/gpu-metal/api-server-before"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
LIVE = "apiVersion: kubeadm.k8s.io/v1beta4"
SITE = {"node": "cp-1", "address": "10.0.0.1", "names": "a.example.org,10.0.0.9", "argument.profiling": "false"}
VOLUME = '{"name":"gpu-metal-files","hostPath":"/f","mountPath":"/f"}'


class Piece:
    """Calls one function of the step, after lines that replace others."""

    def __init__(self, root: Path) -> None:
        self.host = StepHost(root)
        self.calls = 0

    def __call__(
        self, lines: str, inputs: Mapping[str, str] = SITE, previous: Mapping[str, str] | None = None, volumes: str = ""
    ) -> tuple[int, str]:
        """Exit status and output of the lines, which run as the body of a function."""
        self.calls += 1
        script = self.host.root / f"piece-{self.calls}.sh"
        script.write_text(f"# uses: kubernetes\n{STEP.read_text()}\npiece() {{\n{lines}\n}}\n")
        return self.host.call(script, "piece", inputs, previous=previous, bulk={"volumes": volumes})


@pytest.fixture
def piece(tmp_path: Path) -> Piece:
    return Piece(tmp_path)


def wanted(piece: Piece, seen: str, previous: Mapping[str, str] | None = None, volumes: str = "") -> list[str]:
    status, said = piece(f"seen='{seen}'; _wanted", previous=previous, volumes=volumes)
    assert status == 0, said
    return said.splitlines()


@pytest.mark.row("K3")
def test_what_others_set_stays_and_what_the_site_no_longer_has_goes(piece: Piece) -> None:
    seen = (
        "--event-ttl=2h\n--goaway-chance=0.1\n--profiling=true\ncertSANs old.example.org\ncertSANs theirs.example.org"
    )
    seen += '\nextraVolumes gpu-metal-audit-log {"name":"gpu-metal-audit-log"}\nextraVolumes theirs {"name":"theirs"}'
    before = {"names": "a.example.org,old.example.org", "argument.event-ttl": "2h"}
    assert wanted(piece, seen, before, f"gpu-metal-files {VOLUME}") == [
        "--goaway-chance=0.1",
        "--profiling=false",
        "certSANs 10.0.0.9",
        "certSANs a.example.org",
        "certSANs theirs.example.org",
        f"extraVolumes gpu-metal-files {VOLUME}",
        'extraVolumes theirs {"name":"theirs"}',
    ]


def test_a_cluster_without_any_gets_the_sites(piece: Piece) -> None:
    assert wanted(piece, "") == ["--profiling=false", "certSANs 10.0.0.9", "certSANs a.example.org"]


@pytest.mark.row("K3")
@pytest.mark.parametrize("version", ["v1beta4", "v1beta3"])
def test_kubeadm_gets_arguments_in_the_form_that_it_reads(piece: Piece, version: str) -> None:
    piece.host.program("kubectl", 'while [[ $1 != -p ]]; do shift; done; printf "PATCH %s\\n" "$2"')
    lines = f"""live='apiVersion: kubeadm.k8s.io/{version}'
wanted='--a=x="1",b\\2
--b=2=3
certSANs 10.0.0.9
extraVolumes gpu-metal-files {VOLUME}'
_config"""
    status, said = piece(lines)
    assert status == 0, said
    head, _, patch = said.partition("\nPATCH ")
    assert head.splitlines()[0] == f"apiVersion: kubeadm.k8s.io/{version}"
    assert 'localAPIEndpoint: {advertiseAddress: "10.0.0.1", bindPort: 6443}' in head.splitlines()
    values = {each["path"]: (each["op"], each["value"]) for each in json.loads(patch)}
    pairs = {"a": 'x="1",b\\2', "b": "2=3"}
    as_list = [{"name": name, "value": value} for name, value in pairs.items()]
    assert values == {
        "/apiServer/extraArgs": ("add", pairs if version == "v1beta3" else as_list),
        "/apiServer/certSANs": ("add", ["10.0.0.9"]),
        "/apiServer/extraVolumes": ("add", [json.loads(VOLUME)]),
    }


@pytest.mark.row("K3")
@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("--a=1\n--b=2", ""),
        ("--b=2", "--a is absent, wanted --a=1"),
        ("--a=3\n--b=2", "saw --a=3, wanted --a=1"),
        ("--a=1\n--b=2\n--hand=4", "--hand=4 is there, the site does not give it"),
        ("", "--a is absent, wanted --a=1; --b is absent, wanted --b=2"),
    ],
)
def test_a_difference_is_told_by_its_argument(piece: Piece, seen: str, said: str) -> None:
    assert piece(f"lines_differ '{seen}' $'--a=1\\n--b=2'") == (0, said)


def test_a_folder_of_certificates_that_the_host_gets_later_restarts_nothing(piece: Piece) -> None:
    """kubeadm mounts /usr/share/ca-certificates and its like where they are."""
    lines = ("kube-apiserver", "--b=2", "--a=1", "mount ca-certs /etc/ssl/certs", "mount gpu-metal-files /f")
    piece.host.program("kubectl", f"printf '%s\\n' {' '.join(f'{chr(39)}{line}{chr(39)}' for line in lines)}")
    assert piece("_contents") == (0, "--a=1\n--b=2\nmount gpu-metal-files /f")


NEWLINE = "\n"
DECIDES = {**SITE, "argument.good": "1"}
RUN = """
_plan() { contents=--good=1; seen=same wanted=same; }
pod_fields() { cat; }
api_server_runs() { :; }
_wrong_names() { :; }
lost_keys() { :; }
api_server_said() { echo 'Error: unknown flag: --bad'; }
_answers() { [[ $contents == --good=* ]]; }
kubeadm() { echo "kubeadm $*" >&2; }
"""


@pytest.fixture
def plane(piece: Piece) -> Piece:
    """Its API server runs with --good=0, which the site decides, and comes up with no argument of another name."""
    piece.host.file(MANIFEST, "--good=0\n")
    for name in ("crt", "key"):
        piece.host.file(f"/etc/kubernetes/pki/apiserver.{name}", f"old {name}\n")
    return piece


@pytest.mark.row("K3")
def test_a_change_that_the_api_server_answers_with_is_kept(plane: Piece) -> None:
    lines = f"{RUN}\n_plan() {{ contents=--good=1 manifest=--good=1 seen=a wanted=b config=c; }}\napply"
    assert plane(lines, DECIDES) == (0, "")
    assert plane.host.path(MANIFEST).read_text() == "--good=1\n"
    assert not plane.host.path(FORMER).exists()


@pytest.mark.row("K3")
def test_a_change_that_it_does_not_answer_with_goes_back_with_its_own_words(plane: Piece) -> None:
    lines = f"{RUN}\n_plan() {{ contents=--bad=1 manifest=--bad=1 seen=a wanted=b; }}\napply"
    status, said = plane(lines, previous=SITE)
    assert (status, said) == (
        1,
        "the API server does not run with the site's settings (--bad is absent, wanted --bad=1; --good=0 is there, the "
        "site does not give it): Error: unknown flag: --bad. The former ones are back, and it answers. Fix: correct "
        "what the site says of these, or take it out, then pulumi up",
    )
    assert plane.host.path(MANIFEST).read_text() == "--good=0\n"
    assert plane.host.path("/etc/kubernetes/pki/apiserver.key").read_text() == "old key\n"
    assert not plane.host.path(FORMER).exists()


@pytest.mark.row("K3")
def test_after_a_run_that_was_cut_off_what_was_proven_comes_back(plane: Piece) -> None:
    plane.host.file(MANIFEST, "--bad=1\n")
    for name, text in (("kube-apiserver.yaml", "--good=0\n"), ("apiserver.crt", "crt\n"), ("apiserver.key", "key\n")):
        plane.host.file(f"{FORMER}/{name}", text)
    begun = "a change of the API server began here and did not end"
    assert plane(f"{RUN}\ncheck") == (10, begun)
    lines = f"{RUN}\n_plan() {{ contents=--bad=1 manifest=--bad=1 seen=a wanted=b; }}\napply"
    status, said = plane(lines, previous=SITE)
    assert (status, "The former ones are back, and it answers." in said) == (1, True), said
    assert plane.host.path(MANIFEST).read_text() == "--good=0\n"


def test_neither_old_nor_new_answers(plane: Piece) -> None:
    lines = f"{RUN}\n_answers() {{ return 1; }}\n_plan() {{ contents=--good=1 manifest=--good=1; }}\napply"
    status, said = plane(lines, DECIDES)
    assert status == 1
    assert "back, and it does not answer with them either: Error: unknown flag: --bad. Fix: crictl ps -a" in said
    assert plane.host.path(FORMER).exists(), "what was proven is not forgotten"


def test_a_host_without_an_api_server_is_said_at_once(piece: Piece) -> None:
    assert piece("check") == (10, f"{MANIFEST} is not there: no API server runs here")


@pytest.mark.row("K3")
@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        ("--encryption-provider-config=/x", True),
        ("--authorization-mode=Node,RBAC,Webhook", True),
        ("container kube-apiserver=images.example.org/kube-apiserver:v1.34.1", True),
        ("env HTTPS_PROXY", True),
        ("hostAlias 10.0.0.5", True),
        ("mount audit /srv/audit", True),
        ("mount usr-share-ca-certificates /usr/share/ca-certificates", False),
        ("--good=0", False),
    ],
)
def test_what_others_wrote_into_a_manifest_before_this_step_is_not_lost(plane: Piece, theirs: str, named: bool) -> None:
    manifest = (
        "--authorization-mode=Node,RBAC\ncontainer kube-apiserver=k8s/kube-apiserver:v1\nmount c /etc/ssl/certs\n"
    )
    kept = [line for line in manifest.splitlines() if line.split("=")[0].split(" /")[0] not in theirs]
    plane.host.file(MANIFEST, NEWLINE.join([*kept, theirs, ""]))
    lines = f"{RUN}\n_plan() {{ contents=--good=1 manifest='{manifest}--good=1' seen=a wanted=a; }}\napply"
    status, said = plane(lines, DECIDES)
    refused = f"does not have: {theirs}. Nothing was changed." in said
    assert (status, refused) == ((1, True) if named else (0, False)), said
    assert (theirs in plane.host.path(MANIFEST).read_text()) == named
    # Once it is the step's, a change by hand is drift like any other.
    assert plane(lines, DECIDES, previous=SITE) == (0, "")
    assert "--good=1" in plane.host.path(MANIFEST).read_text()


@pytest.mark.row("K2")
def test_names_of_the_certificate(piece: Piece) -> None:
    openssl = """
case $* in
    *checkip*) [[ ${*: -1} == 10.0.0.9 ]] && echo IP does match certificate || echo IP does NOT match certificate ;;
    *) printf 'X509v3 Alternative Name: \\n    DNS:*.apps.example.org, DNS:old.example.org, IP Address:10.0.0.9\\n' ;;
esac"""
    piece.host.program("openssl", openssl)
    names = ("*.apps.example.org", "a.example.org", "10.0.0.9", "fd00::1")
    lines = f"wanted='{NEWLINE.join(f'certSANs {name}' for name in names)}'; _wrong_names"
    before = {"names": "old.example.org,older.example.org"}
    assert piece(lines, previous=before) == (
        0,
        "a.example.org is not in the certificate\nfd00::1 is not in the certificate\n"
        "old.example.org is in the certificate, the site does not give it",
    )


@pytest.mark.row("K2")
def test_a_certificate_that_only_another_authority_can_sign_is_said(plane: Piece) -> None:
    lines = f"{RUN}\n_wrong_names() {{ echo a; }}\n_refuse_others() {{ :; }}\nmanifest=x; apply"
    for former in (False, True):
        status, said = plane(lines)
        assert (status, "/etc/kubernetes/pki/ca.key is not here" in said) == (1, True), said
        assert plane.host.path("/etc/kubernetes/pki/apiserver.crt").read_text() == "old crt\n"
        assert plane.host.path(FORMER).exists() == former, "of a change that was cut off, what was proven is kept"
        plane.host.file(f"{FORMER}/apiserver.crt", "proven crt\n")


@pytest.mark.row("K2")
@pytest.mark.parametrize(
    ("had", "lost"),
    [
        ("DNS:cp-1,DNS:old.example.org", ""),
        ("DNS:cp-1,DNS:old.example.org,DNS:vip.example.org,IP:10.0.0.5", "has: vip.example.org 10.0.0.5. "),
    ],
)
def test_names_that_others_had_signed_are_not_lost_with_another_certificate(plane: Piece, had: str, lost: str) -> None:
    pki = plane.host.path("/etc/kubernetes/pki")
    (pki / "ca.key").write_text("key\n")
    make = "openssl req -x509 -newkey ec:<(openssl ecparam -name prime256v1) -nodes -subj /CN=kube-apiserver"
    made = f"{make} -keyout $1/apiserver.key -out $1/apiserver.crt -addext subjectAltName=$2 2>/dev/null"
    signs = (
        f"make() {{ {made}; }}\nkubeadm() {{ make $(sed -n 's/^certificatesDir: //p') DNS:cp-1,DNS:a.example.org; }}"
    )
    place = f"mktemp() {{ mkdir -p {plane.host.root}/pair; echo {plane.host.root}/pair; }}"
    lines = f"{RUN}\n{signs}\n{place}\nwanted='certSANs a.example.org' config='certificatesDir: /x' pair=''"
    status, said = plane(f"{lines}\nmake {pki} {had}\n_sign", previous={"names": "old.example.org"})
    assert (status, lost in said) == (1 if lost else 0, True), said
    assert (plane.host.root / "pair").exists() != bool(lost)
    assert "old.example.org" not in said


@pytest.mark.row("K3")
def test_the_first_of_two_arguments_of_one_name_stays_the_first(piece: Piece) -> None:
    """Tokens of service accounts are signed for the first issuer."""
    both = "--service-account-issuer=https://new\n--service-account-issuer=https://a-former"
    assert wanted(piece, both)[1:3] == both.splitlines()


@pytest.mark.row("K3")
def test_an_api_server_that_does_not_run_is_no_api_server_with_its_arguments(plane: Piece) -> None:
    lines = f"{RUN}\napi_server_process() {{ :; }}\napi_server_runs() {{ [[ -n $(api_server_process) ]]; }}\ncheck"
    assert plane(lines) == (10, "no API server runs here: Error: unknown flag: --bad")


LOGS = "/var/log/pods/kube-system_kube-apiserver-cp-1_ab/kube-apiserver"


@pytest.mark.row("K3")
def test_a_container_that_ends_again_and_again_is_not_waited_for(piece: Piece) -> None:
    """Its logs are counted, although each goes with its container."""
    piece.host.file(f"{LOGS}/7.log", "2026 stderr F I1 fine\n")
    starts = "sleep() { n=$((n + 1)); SECONDS=0; rm -f $logs/*; touch $logs/$((7 + n)).log; }"
    lines = f"n=0 logs={piece.host.path(LOGS)} contents=--a=1\n{starts}\n_running() {{ :; }}"
    lines += "\n_answers || echo gave up after $n"
    assert piece(lines) == (0, "gave up after 3")
