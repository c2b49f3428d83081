"""Parts: the registry and its folders, what they need and give, and their halves in the cluster.

Does not prove: that the objects of a half are of use; a part's own tests do.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pulumi_kubernetes as k8s
import pytest
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes.handle import ClusterRef
from components.model import Model
from components.network.config import Network
from components.parts.part import ClusterPart, Ground, Part
from components.problem import Problem
from components.registry import REGISTERED, Registered
from stacks.checks_parts import names, needs, notes, parts
from stacks.faults import SiteError
from stacks.ground import ground, in_order
from stacks.load import site_from
from stacks.model import Entry, Site, key_of, with_parts
from tests.unit.test_layers_in_a_row import plan_of

ROOT = Path(__file__).parents[2]
HERE = "tests.unit.test_parts"


class Config(Model):
    """A part's."""

    text: str = "hello"


class InNetwork(Config):
    """One whose key stands in `network`."""

    within: ClassVar[str] = "network"


class Whole(ComponentResource):
    """A part's component: one object with what it was given."""

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions,
    ) -> None:
        super().__init__("test:parts:Whole", name, {}, opts)
        data: dict[str, Input[str]] = {"text": config.text, "hosts": " ".join(ground.hosts), "token": secret("token")}
        metadata = k8s.meta.v1.ObjectMetaArgs(name=name)
        k8s.core.v1.ConfigMap(f"{name}-map", metadata=metadata, data=data, opts=cluster.options(self))


class ForUser(ComponentResource):
    """What a user gets of it."""

    def __init__(self, name: str, _: Config, *, user: str, cluster: ClusterRef, **rest: Any) -> None:
        super().__init__("test:parts:ForUser", name, {}, rest["opts"])
        metadata = k8s.meta.v1.ObjectMetaArgs(name=user)
        email = rest["ground"].users[user].email or ""
        k8s.core.v1.ConfigMap(f"{name}-map", metadata=metadata, data={"email": email}, opts=cluster.options(self))


class ForProject(ComponentResource):
    """What a project gets of it."""

    def __init__(self, name: str, _: Config, *, project: str, cluster: ClusterRef, **rest: Any) -> None:
        super().__init__("test:parts:ForProject", name, {}, rest["opts"])
        metadata = k8s.meta.v1.ObjectMetaArgs(name="theirs", namespace=project)
        data = {"hosts": " ".join(rest["ground"].hosts)}
        k8s.core.v1.ConfigMap(f"{name}-map", metadata=metadata, data=data, opts=cluster.options(self))


def problem(config: Config, _: Ground) -> Iterator[Problem]:
    yield Problem(("text",), config.text)
    yield Problem(("hosts", "one"), "elsewhere", elsewhere=True)


GIVER: Part[Config] = Part(
    Config,
    checks=problem,
    notes=problem,
    gives=frozenset({"ingress"}),
    cluster=ClusterPart({"giver": "privileged"}, f"{HERE}:Whole"),
)
ASKER: Part[Config] = Part(
    Config,
    checks=lambda *_: iter(()),
    needs=frozenset({"ingress"}),
    cluster=ClusterPart({"asker": "baseline"}, f"{HERE}:Whole", project=f"{HERE}:ForProject", user=f"{HERE}:ForUser"),
)


def registered(name: str, part: Part[Config] = GIVER, config: type[Config] = Config) -> Registered:
    """A part without a folder."""
    made = Registered("parts", name)
    vars(made).update(part=part, config=config)
    return made


def entry(name: str, part: Part[Config]) -> Entry:
    return Entry((name,), name, registered(name, part), Config())


def site_with(folder: Path, *entries: Entry, **said: Any) -> Site:
    """A site whose parts are these, whatever the registry has."""
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane", "worker"] if "kubernetes" in said else []}}
    quota = {"cpu": "1", "memory": "1Gi"}
    projects = {"projects": {"vision": quota}, "users": {"ana": {"email": "ana@example.org"}}}
    if "kubernetes" not in said:
        projects = {}
    site = site_from({"hosts": hosts, **projects, **said}, stack="lab", folder=folder, keys=False)
    vars(site)["entries"] = entries
    vars(site).pop("entry_hosts", None)
    return site


def test_each_folder_with_a_part_is_registered_by_its_name() -> None:
    folders = {(p.parts[-3], p.parts[-2]) for p in (ROOT / "components").glob("p*/*/part.py")}
    assert {(each.room, each.kind) for each in REGISTERED} == folders
    assert len(folders) == len(REGISTERED)
    for each in REGISTERED:
        if each.room == "platforms":
            assert each.config.model_json_schema()["properties"]["kind"]["const"] == each.kind


def test_what_a_part_needs_is_said_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    giver, asker = entry("giver", GIVER), entry("asker", ASKER)
    with_cluster = site_with(tmp_path, giver, asker, kubernetes={})
    assert list(needs(with_cluster)) == []
    assert "ingress" in ground(with_cluster).provides
    monkeypatch.setattr("stacks.checks_parts.REGISTERED", ())
    [lacking] = needs(site_with(tmp_path, asker, kubernetes={}))
    assert lacking == Problem(("asker",), "asker needs ingress, which no part gives yet.")
    monkeypatch.setattr("stacks.checks_parts.REGISTERED", [giver.registered])
    [lacking] = needs(site_with(tmp_path, asker, kubernetes={}))
    assert lacking.text == "asker needs ingress, which no part of this site gives. Add giver."
    [lacking] = needs(site_with(tmp_path, giver))
    assert lacking == Problem(("giver",), "giver needs kubernetes. Write kubernetes: {}.")
    stored = entry("asker", replace(ASKER, needs=frozenset({"storage:default"})))
    [lacking] = needs(
        site_with(tmp_path, stored, kubernetes={}, storage={"server": {"address": "10.0.0.9", "path": "/a"}})
    )
    assert lacking.text.endswith(", which no part of this site gives. Add default: true to one of storage.classes.")
    docker = entry("whale", replace(ASKER, needs=frozenset({"docker"}), cluster=None))
    assert list(needs(site_with(tmp_path, docker))) == []
    [lacking] = needs(site_with(tmp_path, docker, engine={}))
    fix = "Give it a site of its own, or write engine: {kind: docker}."
    assert lacking.text == f"whale needs docker, the site's engine is containerd. {fix}"


def test_a_part_gives_what_its_settings_say(tmp_path: Path) -> None:
    some = replace(GIVER, given=lambda config: frozenset({"ingress"} if config.text == "yes" else ()))
    said = [entry("giver", some), entry("giver", some)._replace(config=Config(text="yes"))]
    assert [ground(site_with(tmp_path, each, kubernetes={})).provides >= {"ingress"} for each in said] == [False, True]


def test_a_half_in_the_cluster_may_be_left_out(tmp_path: Path) -> None:
    half: ClusterPart[Config] = ClusterPart({}, f"{HERE}:Whole", optional=True)
    assert list(needs(site_with(tmp_path, entry("either", replace(GIVER, cluster=half))))) == []


def test_namespaces_of_some_settings_have_one_owner_too(tmp_path: Path) -> None:
    half: ClusterPart[Config] = ClusterPart({}, f"{HERE}:Whole", more_namespaces=lambda _: {"giver": "baseline"})
    other = entry("other", replace(GIVER, cluster=half))
    found = list(names(site_with(tmp_path, entry("giver", GIVER), other, kubernetes={})))
    assert found == [Problem(("other",), "its namespace giver is also that of giver. A cluster has one of them.")]


def test_each_namespace_has_one_owner(tmp_path: Path) -> None:
    giver, asker = entry("giver", GIVER), entry("asker", ASKER)
    assert list(names(site_with(tmp_path, giver, asker, kubernetes={}))) == []
    other = entry("other", replace(ASKER, cluster=ClusterPart({"giver": "baseline", "vision": "baseline"}, "")))
    assert list(names(site_with(tmp_path, giver, other, kubernetes={}))) == [
        Problem(("other",), "its namespace giver is also that of giver. A cluster has one of them."),
        Problem(("projects", "vision"), "is a namespace of other. Use another name."),
    ]


def test_a_parts_keys_are_of_its_own_entry(tmp_path: Path) -> None:
    site = site_with(tmp_path, entry("giver", GIVER), kubernetes={})
    assert [each.key for each in parts(site)] == [("giver", "text"), ("hosts", "one")]
    assert [each.text for each in notes(site)] == ["hello", "elsewhere"]


@pytest.mark.row("X14", "S4")
def test_a_part_says_which_names_it_cannot_use(tmp_path: Path) -> None:
    def short(_: Config, ground: Ground) -> Iterator[Problem]:
        for key, named in (("users", ground.users), ("projects", ground.projects)):
            yield from (Problem((key, name), "is too long for it.") for name in named if len(name) > 3)

    site = site_with(tmp_path, entry("asker", replace(ASKER, names=short)), kubernetes={})
    assert list(parts(site)) == [Problem(("projects", "vision"), "is too long for it.")]


def test_who_gives_comes_before_who_needs() -> None:
    giver, asker, other = (
        entry("giver", GIVER),
        entry("asker", ASKER),
        entry("other", replace(GIVER, gives=frozenset())),
    )
    assert [each.name for each in in_order([asker, other, giver])] == ["other", "giver", "asker"]
    circle = entry("circle", replace(GIVER, needs=frozenset({"oidc"})))
    with pytest.raises(ValueError, match="needs another one first: circle, asker"):
        in_order([circle, entry("asker", replace(ASKER, gives=frozenset({"oidc"})))])


def test_a_half_in_the_cluster_comes_after_it_in_its_namespace_and_after_who_gives(tmp_path: Path) -> None:
    site = site_with(tmp_path, entry("asker", ASKER), entry("giver", GIVER), kubernetes={})
    plan = plan_of(site)
    assert {plan.one("asker-map").type, plan.one("giver-map").type} == {"kubernetes:core/v1:ConfigMap"}
    assert plan.one("giver-map").inputs["data"]["hosts"] == "one"
    assert plan.one("giver-map").secret == {"data.token"}
    namespace = plan.one("giver-namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    ready = set(plan.one("vision").depends_on)  # a project's namespace waits for the whole cluster
    assert ready
    assert ready <= set(namespace.depends_on)
    assert {*ready, "giver-namespace"} <= set(plan.one("giver-map").depends_on)
    assert {"asker-namespace", "giver-map"} <= set(plan.one("asker-map").depends_on)
    assert {"asker-map"} <= set(plan.one("asker-vision-map").depends_on)
    assert plan.one("asker-vision-map").inputs["data"] == {"hosts": "one"}
    assert {"asker-map"} <= set(plan.one("asker-ana-map").depends_on)
    assert plan.one("asker-ana-map").inputs["data"] == {"email": "ana@example.org"}
    names = ("giver-namespace", "giver-map", "asker-map", "asker-vision-map", "asker-ana-map")
    made = [plan.one(name) for name in names]
    assert {(each.options["provider"], each.options["deleted_with"]) for each in made} == {("lab-api", "one-runner")}


def test_a_site_that_has_no_part_has_no_half(tmp_path: Path) -> None:
    plan = plan_of(site_with(tmp_path, kubernetes={}))
    assert [each.name for each in plan.of("kubernetes:core/v1:ConfigMap")] == []


def test_a_part_stands_in_the_object_that_its_config_names() -> None:
    inside, top = registered("made_up", config=InNetwork), registered("made_up")
    assert (key_of(inside), key_of(top)) == (("network", "madeUp"), ("madeUp",))
    whole = with_parts(Network, "network", (inside, registered("other")))
    assert whole.model_validate({"podSubnet": "10.8.0.0/16", "madeUp": {"text": "hi"}}).made_up == InNetwork(text="hi")
    assert whole().made_up is None
    assert set(whole.model_fields) == {*Network.model_fields, "made_up"}
    assert whole.model_json_schema()["title"] == "Network"


def test_each_part_stands_in_an_object_of_the_site() -> None:
    objects = {name for name, field in Site.model_fields.items() if isinstance(field.default, Model)}
    assert {each.within for each in REGISTERED} <= {None, *objects}


def refusal(folder: Path, **said: Any) -> str:
    with pytest.raises(SiteError) as error:
        site_from({"hosts": {"one": {"address": "10.0.0.1"}}, **said}, stack="lab", folder=folder, keys=False)
    return str(error.value)


def test_a_misspelt_part_is_answered_by_all_parts(tmp_path: Path) -> None:
    """Also by those that the site does not name, whose settings were not loaded."""
    assert "storag: no such key. Did you mean storage?" in refusal(tmp_path, storag={})
    assert "network.ingres: no such key. Did you mean ingress?" in refusal(tmp_path, network={"ingres": {}})
    kinds = {each.kind for each in REGISTERED if each.room == "platforms"}
    for said in ([{"kind": "made-up"}], [{"kind": min(kinds)}, {"kind": "made-up"}]):
        text = refusal(tmp_path, platforms=said)
        assert f"platforms[{len(said) - 1}]: is not of a known kind: write kind: " in text
        assert [kind for kind in kinds if kind not in text] == []


def test_a_host_may_be_called_like_a_part(tmp_path: Path) -> None:
    hosts = {"storage": {"address": "10.0.0.1"}, "sqream": {"address": "10.0.0.2"}}
    site = site_from({"hosts": hosts}, stack="lab", folder=tmp_path, keys=False)
    assert (set(site.hosts), site.entries) == ({"storage", "sqream"}, ())
