"""The compatibility matrix: its files, how it compares, what a site gets. Not proven: that the sources are right."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.gpu import models
from components.matrix import REST, Facts, Matrix, Thing, Verdict, read, thing, worded
from components.registry import REGISTERED
from stacks.checks import notes
from stacks.compatibility import files, fitting, matrix, pairs
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site
from tests import samples

ROOT = Path(__file__).parents[2]
SOURCES = {"own": {"name": "the own page", "url": "https://example.org/page"}}
ROW = {
    "judged": "engine",
    "given": {"cluster": ">=1.36"},
    "fits": ">=2.0",
    "fails": "<2.0",
    "why": "it is too old",
    "source": "own",
    "says": "needs 2.0 or later",
}


def facts(*rows: dict[str, Any], sources: dict[str, Any] = SOURCES) -> Facts:
    return Facts.model_validate({"sources": sources, "rows": rows})


def asked(engine: str, cluster: str, *rows: dict[str, Any]) -> Verdict:
    return Matrix([facts(*rows or [ROW])]).verdict(thing("engine", "", engine), thing("cluster", "", cluster))


def site(folder: Path, **said: Any) -> Site:
    (folder / "key.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n-----END PGP PUBLIC KEY BLOCK-----\n")
    roles = ["control-plane"] if "kubernetes" in said else []
    hosts = {"one": {"address": "10.0.0.1", "roles": roles, **said.pop("host", {})}}
    return site_from({"id": "0123456789ab", "hosts": hosts, **said}, stack="lab", folder=folder, keys=False)


# The files.


@pytest.mark.row("X7")
def test_each_file_is_read_and_has_rows_with_sources() -> None:
    of_parts = {file.parent.name for file in (ROOT / "components").glob("p*/*/compatibility.yaml")}
    assert {file.parent.name for file in files()} == {"stacks", "kubernetes", "gpu", *of_parts}
    assert of_parts >= {"shifter", "sqream"}
    for file in files():
        assert read(file).rows, file


def test_the_file_of_a_part_is_found_by_its_folder_and_no_other_file_judges_the_part() -> None:
    """A row about two parts is in the folder of the one whose vendor says it."""
    kinds = {each.kind for each in REGISTERED}
    for file in files():
        of_parts = [named for row in read(file).rows if (named := set(row.pair) & kinds)]
        assert all(file.parent.name in named for named in of_parts)


def test_rows_name_only_things_that_a_site_can_have() -> None:
    """Else a row with a typing error would never be asked."""
    source = (ROOT / "stacks/compatibility.py").read_text() + (ROOT / "components/kubernetes/needed.py").read_text()
    made = set(re.findall(r'thing\(\s*"([^"]+)"', source)) | {"gpu", "module", "packaged module"}
    made |= {each.kind for each in REGISTERED}
    assert {name for pair in matrix().pairs for name in pair} <= made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": None}, "source"),
        ({"source": "other"}, "sources without a row, or rows without a source: other, own"),
        ({"says": "short"}, "says"),
        ({"fits": "newer"}, None),
        ({"fits": ">2.0"}, 'has ">2.0", which is not'),
        ({"fits": "2.0 3.0"}, 'has "2.0 3.0", which is not'),
        ({"fits": "v2.x, =1"}, 'has "=1", which is not'),
        ({"given": {"cluster": "1.x"}}, 'has "1.x", which is not'),
        ({"given": {"cluster": "1.36", "system": "any"}}, "given"),
        ({"given": {}}, "given"),
        ({"fits": None, "fails": None}, "says neither what fits nor what fails"),
        ({"why": None}, "fails without why"),
        ({"fits": None}, "fails, and neither fits nor use says what to write"),
        ({"fits": "1.6-2.3"}, "says that 1.6 both fits and fails"),
        ({"fails": "v1, any"}, "says that 2.0 both fits and fails"),
        ({"fitting": "2.0"}, "fitting"),
    ],
)
def test_a_malformed_row_is_refused(change: dict[str, Any], message: str | None) -> None:
    row = {key: value for key, value in (ROW | change).items() if value is not None}
    if message is None:
        assert facts(row).rows
        return
    with pytest.raises(ValueError, match=re.escape(message)):
        facts(row)


def test_a_source_has_an_address() -> None:
    with pytest.raises(ValueError, match="url"):
        facts(ROW, sources={"own": {"name": "the own page", "url": "somewhere"}})


def test_the_pages_have_each_pair_and_each_source() -> None:
    """Whether they are current, test_reference.py says."""
    page = (ROOT / "docs/reference/compatibility.md").read_text()
    readme = (ROOT / "README.md").read_text()
    lines = [f"| {judged} | {given} |" for judged, given in matrix().pairs]
    assert [line for line in lines if line not in page] == []
    known = {row.pair for file in files() for row in read(file).rows if row.fits}
    assert {line for line in lines if line in readme} == {f"| {judged} | {given} |" for judged, given in known}
    urls = [source.url.removeprefix("docs") for file in files() for source in read(file).sources.values()]
    assert [url for url in urls if url not in page] == []


# How it compares.


@pytest.mark.parametrize(
    ("version", "ranges", "within"),
    [
        ("1.30.14", "1.22-1.30", True),
        ("1.31.0", "1.22-1.30", False),
        ("1.9.0", "1.22-1.30", False),
        ("2", ">=2.0", True),
        ("1.7.28", "<2.0", True),
        ("2", "<2.0", False),
        ("580.95.05", ">=570", True),
        ("1.34.2", "1.34", True),
        ("1.35.0", "1.30-1.33, 1.35", True),
        ("rhel-8.9", "rhel-8", True),
        ("rhel-80", "rhel-8", False),
        ("v1", "v2", False),
        ("anything", "any", True),
        ("not a number", ">=1", False),
    ],
)
def test_a_version_is_compared_as_far_as_the_range_goes(version: str, ranges: str, within: bool) -> None:
    row = ROW | {"given": {"cluster": "any"}, "fits": ranges, "fails": REST}
    assert asked(version, "1", row).fits is within


def test_bad_beats_good_and_what_no_row_says_is_unknown() -> None:
    assert [asked(engine, "1.36.1").fits for engine in ("1.7", "2.1")] == [False, True]
    known = ROW | {"fits": "2.1-2.3", "fails": "2.2"}
    assert [asked(engine, "1.36.1", known).fits for engine in ("2.1", "2.2", "2.4")] == [True, False, None]
    other = ROW | {"fits": "2.4", "fails": "2.1"}
    assert [asked(engine, "1.36.1", known, other).fits for engine in ("2.1", "2.3", "2.4")] == [False, True, True]
    # Of a cluster before 1.36 this row says nothing; a row with failures only says nothing of the rest.
    assert asked("1.7", "1.35.0").fits
    walls = {key: value for key, value in ROW.items() if key != "fits"} | {"use": "Use 2.0."}
    assert [asked(engine, "1.36.1", walls).fits for engine in ("1.7", "2.1")] == [False, True]


def test_of_several_values_the_best_counts() -> None:
    """A declared model may be one of several chips: it is refused if none of them fits."""
    both = Thing("engine", "", (frozenset({"1.7"}), frozenset({"2.1"})))
    assert Matrix([facts(ROW)]).verdict(both, thing("cluster", "", "1.36.0")).fits


def test_ranges_are_said_in_words() -> None:
    assert worded(">=570") == "570 or later"
    assert worded("1.22-1.30, <1.4, v2") == "1.22 to 1.30, earlier than 1.4 or v2"


@pytest.mark.row("G3", "G9")
def test_each_known_gpu_has_a_driver_and_a_kind_of_module() -> None:
    for name in models.NAMES:
        branches = [b for b in (470, 535, 580, 620) if matrix().verdict(models.driver(b), models.gpu(name)).fits]
        assert branches, name
        kind = models.kind("auto", branches[-1], name)
        assert matrix().verdict(models.module(kind), models.gpu(name)).fits, name


# What a site gets.


@pytest.mark.row("X7")
def test_what_is_unknown_is_a_note_if_the_site_allows_it(tmp_path: Path) -> None:
    unknown = {"address": "10.0.0.2", "os": "debian-14", "gpu": {"model": "Rubin", "count": 1, "driver": "700"}}
    made = site(tmp_path, allowUntested=True, hosts={"one": unknown})
    assert list(fitting(made)) == []
    assert [note for note in notes(made) if "compatibility matrix" in note] == [
        "hosts.one.os: debian-14 is not in the compatibility matrix, which knows "
        + worded(next(row.fits or "" for row in read(files()[0]).rows if row.judged == "os"))
        + ".",
        "hosts.one.gpu.model: GPU Rubin is not in the compatibility matrix.",
        "hosts.one.gpu.driver: driver 700 is not in the compatibility matrix, which knows 304 to 620.",
    ]


def test_a_note_about_many_hosts_is_one_line(tmp_path: Path) -> None:
    hosts = {f"n-{number}": {"address": f"10.0.1.{number}"} for number in range(1, 4)}
    found = notes(site(tmp_path, allowUntested=True, os="debian-14", roles=[], hosts=hosts))
    assert [note.partition(" is not")[0] for note in found] == ["hosts.n-1.os and 2 more: debian-14"]


def test_what_people_start_from_is_known(tmp_path: Path) -> None:
    for sample in samples.shown():
        assert "allowUntested" not in sample.file.read_text()
    for block in re.findall(r"```.*?```", (ROOT / "README.md").read_text(), re.DOTALL):
        assert "allowUntested" not in block
    assert list(pairs(site(tmp_path, kubernetes={}))) == []


A100 = {"model": "A100-80GB", "count": 8}
B200 = {"model": "B200", "count": 8}
V100 = {"model": "V100-SXM2-16GB", "count": 1}
T4 = {"model": "T4", "count": 1}


@pytest.mark.row("X7")
@pytest.mark.parametrize(
    ("bad", "followed"),
    [
        ({"gpu": B200 | {"driver": "535"}}, {"gpu": B200 | {"driver": "570"}}),
        ({"gpu": A100 | {"driver": "535", "cuda": "12.8"}}, {"gpu": A100 | {"driver": "570", "cuda": "12.8"}}),
        ({"gpu": T4 | {"mig": True}}, {"gpu": T4 | {"mig": False}}),
        ({"gpu": A100 | {"driver": {"branch": "535", "module": "open"}}}, {"gpu": A100 | {"driver": "580"}}),
        ({"gpu": V100 | {"driver": "595"}}, {"gpu": V100 | {"driver": "580"}}),
        ({"os": "centos-7"}, {"os": "rocky-9"}),
    ],
)
def test_a_fix_for_a_host_that_is_followed_is_accepted(
    tmp_path: Path, bad: dict[str, Any], followed: dict[str, Any]
) -> None:
    with pytest.raises(SiteError, match="does not fit"):
        site(tmp_path, host=bad)
    assert site(tmp_path, host=followed).active


NEW = {"kubernetes": {"version": "1.36.1"}}
OWN = NEW | {"os": "debian-12", "engine": {"package": "containerd"}}
FOCAL = NEW | {"os": "ubuntu-20.04"}
ROCKY = {"os": "rocky-8.10", "kubernetes": {"version": "1.33.0"}}
IGNORED = {"kubernetes": {"version": "1.33.0", "ignorePreflightErrors": ["SystemVerification"]}}

MIRROR = {"kubernetes": {"url": "https://mirror.example.org/apt", "suite": "/", "keyFile": "key.asc"}}


def proxy(version: str, mode: str) -> dict[str, Any]:
    return {"os": "ubuntu-20.04", "kubernetes": {"version": version, "kubeProxy": {"mode": mode}}}


@pytest.mark.row("X7", "H19")
@pytest.mark.parametrize(
    ("bad", "followed"),
    [
        (OWN, {"engine": {"package": "containerd.io"}}),
        (OWN, {"kubernetes": {"version": "1.35.2"}}),
        (NEW | {"engine": {"version": "1.7.28-1"}}, {"engine": {"version": "2.2.0-1"}}),
        (FOCAL, {"kernel": {"arguments": ["systemd.unified_cgroup_hierarchy=1"]}}),
        (FOCAL, {"kubernetes": {"version": "1.36.1", "kubelet": {"failCgroupV1": False}}}),
        (ROCKY, {"kubernetes": {"version": "1.31.9"}}),
        (ROCKY, {"kernel": {"package": "kernel-lt", "atLeast": "4.19"}}),
        (ROCKY, IGNORED),
        (proxy("1.34.2", "nftables"), proxy("1.34.2", "iptables")),
        (proxy("1.30.0", "nftables") | {"os": "debian-12"}, proxy("1.31.0", "nftables") | {"os": "debian-12"}),
        ({"kubernetes": {"version": "1.23.5"}}, {"repositories": MIRROR}),
        ({"kubernetes": {"version": "1.23.5"}}, {"kubernetes": {"version": "1.24.0"}}),
        ({"kubernetes": {"version": "1.21.0"}, "repositories": MIRROR}, {"kubernetes": {"version": "1.22.0"}}),
    ],
)
def test_a_fix_for_a_cluster_that_is_followed_is_accepted(
    tmp_path: Path, bad: dict[str, Any], followed: dict[str, Any]
) -> None:
    with pytest.raises(SiteError, match="does not fit"):
        site(tmp_path, **bad)
    assert site(tmp_path, **bad | followed).active


def test_a_kernel_of_the_sites_own_choice_is_left_to_preflight(tmp_path: Path) -> None:
    made = site(tmp_path, kubernetes={"version": "1.33.0"}, os="rocky-8", kernel={"package": "kernel-lt"})
    assert [pair.judged.name for pair in pairs(made)] == []
