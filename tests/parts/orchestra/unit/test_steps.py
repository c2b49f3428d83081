"""Which steps, ports and rows Orchestra gets from the site. That they do what they say is proven in ../scripts."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step, command_line
from components.parts.part import Ground
from components.platforms.orchestra import checks, places
from components.platforms.orchestra.config import Orchestra
from components.platforms.orchestra.part import PART
from components.problem import dotted
from lab.parts.orchestra import depot

assert PART.host
HALF = PART.host

GPU = {"gpu": {"model": "P100-PCIE-16GB", "count": 2}}
HOSTS: dict[str, dict[str, Any]] = {"zeus": {}, "db-1": {}, "node02": GPU, "node03": {}}
CONFIG = {
    "kind": "orchestra",
    "host": "zeus",
    "source": {"archive": {"url": "https://mirror.example.org/orchestra.tar.gz", "sha256": "a" * 64}},
    "database": {"passwordSecret": "orchestraDatabase"},
    "nodes": {"node02": {"cpu": 4, "gpu": 1}, "node03": {}},
}


def site(**more: dict[str, Any]) -> dict[str, Host]:
    base = {"hostKey": "ssh-ed25519 AAAA"}
    return {
        name: Host.model_validate({"name": name, "address": f"10.3.0.{number}", **base, **values})
        for number, (name, values) in enumerate({**HOSTS, **more}.items(), 1)
    }


def orchestra(**values: Any) -> Orchestra:
    database = {**CONFIG["database"], **values.pop("database", {})}  # type: ignore[dict-item]
    return Orchestra.model_validate({**CONFIG, "database": database, **values})


def of_layer(layer: str, config: Orchestra, hosts: dict[str, Host] | None = None) -> dict[str, Step]:
    [steps] = [list(wave.steps.values()) for wave in HALF.waves(config, hosts or site()) if wave.layer == layer]
    return {step.id: step for step in steps[0]}


def problems(config: Orchestra, hosts: dict[str, Host] | None = None) -> list[str]:
    ground = Ground(hosts or site(), None, None, None, {}, {}, frozenset())
    return [f"{dotted(problem.key)}: {problem.text}" for problem in checks.checks(config, ground)]


@pytest.mark.row("T1", "T4")
def test_the_database_comes_first_also_on_another_host() -> None:
    def waves(config: Orchestra) -> list[tuple[str, list[str]]]:
        return [(wave.layer, list(wave.steps)) for wave in HALF.waves(config, site())]

    assert waves(orchestra()) == [("orchestra-database", ["zeus"]), ("orchestra", ["zeus"])]
    apart = orchestra(database={"host": "db-1"})
    assert waves(apart) == [("orchestra-database", ["db-1"]), ("orchestra", ["zeus"])]
    assert HALF.uses(apart, site()) == ("db-1", "zeus")
    assert of_layer("orchestra", orchestra())["orchestra_pilot"].inputs["after"] == "postgresql.service"
    assert of_layer("orchestra", apart)["orchestra_pilot"].inputs["after"] == ""


@pytest.mark.row("T1")
def test_the_database_listens_on_loopback_or_for_those_who_need_it() -> None:
    def cluster(config: Orchestra) -> tuple[str, str, Any]:
        inputs = of_layer("orchestra-database", config)["orchestra_cluster"].inputs
        [service] = HALF.listening(config, site()[places.database_host(config)], site())
        opening = service.opening
        return inputs["listen"], inputs["clients"], opening and [str(each) for each in opening.sources]

    assert cluster(orchestra()) == ("", "", None)
    assert cluster(orchestra(database={"host": "db-1"})) == ("10.3.0.2", "10.3.0.1/32", ["10.3.0.1/32"])
    more = {"host": "db-1", "listen": ["10.9.0.1"], "clients": ["10.8.0.0/24"], "port": 5433}
    assert cluster(orchestra(database=more)) == ("10.9.0.1", "10.3.0.1/32 10.8.0.0/24", ["10.3.0.1/32", "10.8.0.0/24"])
    assert HALF.listening(orchestra(), site()["db-1"], site()) == ()
    settings = of_layer("orchestra", orchestra(database=more))["orchestra_settings"].inputs
    assert [settings[key] for key in ("host", "port", "tls")] == ["10.9.0.1", "5433", "require"]
    settings = of_layer("orchestra", orchestra())["orchestra_settings"].inputs
    assert [settings[key] for key in ("host", "port", "tls")] == ["127.0.0.1", "5432", "disable"]


@pytest.mark.row("T3")
def test_a_row_is_a_line_of_the_plan() -> None:
    def lines(**nodes: Any) -> set[str]:
        steps = list(of_layer("orchestra", orchestra(nodes=nodes)).values())
        return {line.strip(" \\") for line in command_line("orchestra", steps).splitlines()}

    before = lines(node02={"cpu": 4}, node03={})
    changed = lines(node02={"cpu": 5}, node03={}) ^ before
    assert sorted(line.split(" ", 2)[2] for line in changed) == [
        f"machine=node02 cpu={cpu} gpu=0 max_cpu=30 max_gpu=2 queue=lps" for cpu in (4, 5)
    ]
    removed = before - lines(node02={"cpu": 4})
    assert [line.split(" ", 2)[2] for line in sorted(removed)] == [
        "machine=node03 cpu=1 gpu=0 max_cpu=30 max_gpu=0 queue=lps",
        "'machines=node02 node03'",
    ]


@pytest.mark.row("T3")
def test_defaults_are_the_documents() -> None:
    rows = places.nodes(orchestra(nodes={"node02": {}, "node03": {}, "far": {"maxGpu": 8, "queue": "cern"}}), site())
    assert {name: (row.cpu, row.gpu, row.max_cpu, row.max_gpu, row.queue) for name, row in rows.items()} == {
        "node02": (1, 0, 30, 2, "lps"),
        "node03": (1, 0, 30, 0, "lps"),
        "far": (1, 0, 30, 8, "cern"),
    }
    left = places.nodes(orchestra(), site(node03={"state": "gone"}))
    assert list(left) == ["node02"]


@pytest.mark.row("T2")
def test_commands_are_the_documents_and_the_sites() -> None:
    program = of_layer("orchestra", orchestra())["orchestra_settings"].bulk["run"]
    assert "    source setup_modules.sh && source setup_modules.sh --head\n" in program
    assert "\nsource setup.sh\ncase $1 in\n" in program
    assert "create-tables) python3 orchestra/scripts/create_lps_db.py ;;" in program
    assert "pilot) cd orchestra/scripts && python3 run_rancher.py ;;" in program
    own = {"setup": None, "init": None, "createTables": "python3 -m o.tables", "pilot": "python3 -m o.pilot"}
    steps = of_layer("orchestra", orchestra(commands=own))
    assert "orchestra_setup" not in steps
    assert "source setup" not in steps["orchestra_settings"].bulk["run"]
    assert "pilot) python3 -m o.pilot ;;" in steps["orchestra_settings"].bulk["run"]


@pytest.mark.row("T2")
def test_sources_are_an_archive_or_a_revision_and_partitura_goes_into_the_source() -> None:
    git = {"git": {"url": "https://git.example.org/orchestra.git", "revision": "b" * 40}}
    steps = of_layer(
        "orchestra", orchestra(source=git, partitura={"archive": {"file": "/srv/p.tgz", "sha256": "c" * 64}})
    )
    assert steps["orchestra_source#source"].inputs["revision"] == "b" * 40
    assert steps["orchestra_tables"].inputs["id"] == "b" * 40
    partitura = steps["orchestra_source#partitura"].inputs
    assert (partitura["file"], partitura["link"]) == ("/srv/p.tgz", "/opt/orchestra/source/external/partitura")
    ids = list(steps)
    assert (
        ids.index("orchestra_source#source")
        < ids.index("orchestra_source#partitura")
        < ids.index("orchestra_environment")
    )
    private = orchestra(partitura={"archive": {"file": "/srv/p.tgz", "sha256": "c" * 64}})
    asked = {step.id: step.inputs.get("file") for step in HALF.preflight(private, site()["zeus"], site())}
    assert asked == {"orchestra_port": None, "artefact#orchestra-partitura": "/srv/p.tgz"}


@pytest.mark.row("T1")
def test_the_program_for_backups_has_the_sites_words_and_runs_none_of_them() -> None:
    config = orchestra(database={"port": 5433, "backup": {"folder": "/srv/$(id)", "keep": 3}})
    lines = of_layer("orchestra-database", config)["orchestra_backup"].bulk["program"].splitlines()
    assert lines[:2] == ["#!/bin/bash", "port=5433 database=orchestra owner=orchestra folder='/srv/$(id)' number=3"]
    assert "# orchestra-database backup " in "\n".join(lines)
    program = of_layer("orchestra", orchestra(path="/srv/$(id)"))["orchestra_settings"].bulk["run"]
    assert "cd '/srv/$(id)'/source || exit\n" in program


@pytest.mark.row("T1", "T2")
def test_secrets_are_names() -> None:
    config = orchestra(kubeconfigSecret="pilotKubeconfig")
    secrets = {**of_layer("orchestra", config), **of_layer("orchestra-database", config)}
    assert {id_: step.secrets for id_, step in secrets.items() if step.secrets} == {
        "orchestra_database": {"password": "orchestraDatabase"},
        "orchestra_settings": {"password": "orchestraDatabase", "kubeconfig": "pilotKubeconfig"},
    }
    assert secrets["orchestra_settings"].inputs["kubeconfig"] == "yes"


@pytest.mark.row("T1", "T2", "T3")
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"host": "apollo"}, "host: apollo is not a host of this site. Write one of hosts."),
        ({"database": {"host": "apollo"}}, "database.host: apollo is not a host of this site. Write one of hosts."),
        (
            {"database": {"listen": ["0.0.0.0"]}},  # noqa: S104
            "database.listen[0]: 0.0.0.0 would open the database to every network of its host. Write the address of "
            "one network, or take the key away: then it listens on 127.0.0.1 only.",
        ),
        (
            {"database": {"listen": ["::1"]}},
            "database.listen[0]: ::1 is loopback: the database listens on 127.0.0.1 without this key. Take it away.",
        ),
        (
            {"database": {"host": "db-1", "clients": ["0.0.0.0/0"]}},
            "database.clients[0]: 0.0.0.0/0 is everybody. Write the networks that need the database, for example "
            "10.0.0.0/24.",
        ),
        (
            {"database": {"clients": ["10.8.0.0/24"]}},
            "database.clients: lets networks in, and the database listens on 127.0.0.1 only. Write database.listen, or "
            "take this away.",
        ),
        (
            {"database": {"name": "postgres"}},
            "database.name: postgres is PostgreSQL's own, and what Orchestra owns may be dropped. Write another name.",
        ),
        ({"source": {}}, "source: needs one of archive and git. Write archive: {url: URL, sha256: SUM}."),
        (
            {"nodes": {"node02": {"gpu": 3}}},
            "nodes.node02.gpu: 3 is more than the GPUs of node02 (2). Write 2 or less.",
        ),
        (
            {"nodes": {"node02": {"cpu": 31}}},
            "nodes.node02.cpu: 31 is more than maxCpu (30). Raise maxCpu, or lower this.",
        ),
        (
            {"nodes": {"node02": {"maxGpu": 4}}},
            "nodes.node02.maxGpu: 4 is more than the 2 GPUs of node02. Write 2, or take it away.",
        ),
        (
            {"nodes": {"cessy": {}}},
            "nodes.cessy: cessy is not a host of this site, so that its GPUs are not known. Write maxGpu: NUMBER.",
        ),
    ],
)
def test_a_wrong_setting_is_said_with_its_fix(values: dict[str, Any], said: str) -> None:
    assert problems(orchestra(**values)) == [said]


def test_a_right_site_has_no_problem_and_gone_or_foreign_hosts_have() -> None:
    assert problems(orchestra()) == []
    assert problems(orchestra(), site(zeus={"state": "gone"})) == ["host: zeus is gone. Write one of hosts."]
    assert problems(orchestra(), site(zeus={"os": "rocky-9"})) == [
        "host: zeus runs rocky-9; Orchestra's steps know Debian and Ubuntu. Write a host of those."
    ]


@pytest.mark.row("T2")
def test_requirements_of_the_site_are_pinned(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("# theirs\nsqlalchemy==1.3.24 --hash=sha256:aa\n-i https://mirror.example.org/simple\nnumpy>=1\n")
    assert problems(orchestra(requirements=str(file))) == [
        "requirements: line 4, numpy>=1, names no version. Write NAME==VERSION."
    ]


def test_the_stand_in_says_that_it_is_one_and_has_the_documented_names() -> None:
    root = depot.HERE
    assert "This is not Orchestra." in (root / "README.md").read_text()
    text = (root / "orchestra/scripts/create_lps_db.py").read_text()
    ast.parse(text)
    assert all(f'"{name}"' in text for name in ("CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName"))
    assert (root / "orchestra/scripts/run_rancher.py").is_file()


PGADMIN = {"email": "admin@sub.lab.local", "passwordSecret": "pgadminPassword"}


@pytest.mark.row("T1")
def test_pgadmin_comes_only_with_its_key_beside_the_database_and_on_loopback() -> None:
    config = orchestra(pgadmin=PGADMIN, database={"host": "db-1", "port": 5433, "name": "lps"})
    more = of_layer("orchestra-database", config).keys() - of_layer("orchestra-database", orchestra()).keys()
    assert more == {"orchestra_account#pgadmin", "orchestra_environment#pgadmin", "orchestra_pgadmin"}
    steps = of_layer("orchestra-database", config)
    assert steps["orchestra_environment#pgadmin"].bulk == {"requirements": "pgadmin4==9.18\n"}
    assert steps["orchestra_pgadmin"].secrets == {"password": "pgadminPassword"}
    [server] = json.loads(steps["orchestra_pgadmin"].bulk["servers"])["Servers"].values()
    assert (server["Host"], server["Port"], server["MaintenanceDB"]) == ("127.0.0.1", 5433, "lps")
    services = HALF.listening(config, site()["db-1"], site())
    assert [(each.name, each.port, each.opening and each.opening.port) for each in services] == [
        ("orchestra-postgresql", "5433", "5433"),
        ("orchestra-pgadmin", "15432", None),
    ]


@pytest.mark.row("T1")
def test_pgadmins_settings_are_its_own_python() -> None:
    config = orchestra(pgadmin={**PGADMIN, "port": 15499})
    text = of_layer("orchestra-database", config)["orchestra_pgadmin"].bulk["config"]
    settings: dict[str, Any] = {}
    exec(text, settings)  # noqa: S102 - as pgAdmin does
    assert settings["SERVER_MODE"] is True
    assert (settings["DEFAULT_SERVER"], settings["DEFAULT_SERVER_PORT"]) == ("127.0.0.1", 15499)
    assert settings["ALLOW_SPECIAL_EMAIL_DOMAINS"] == ["sub.lab.local", "lab.local", "local"]
