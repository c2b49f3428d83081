"""Orchestra by its steps on an emulated host: edited, drifted, mended, restored. Bare, and removed: test_removal.py.

PostgreSQL, pip and systemd are real; Orchestra and pgAdmin are the lab's stand-ins, with the documented names of
tables, columns, scripts and commands. Not proven here: upstream's own code, a database on another host.
"""

from collections.abc import Iterator

import pytest

from components.platforms.orchestra import steps
from lab.hosts import faults, lab
from tests.parts.orchestra.scripts.site import (
    ASKED,
    CONSOLE,
    FOREIGN,
    OPEN,
    PACKAGES,
    PASSWORD,
    RUNNING,
    SECRETS,
    layers,
    logged_in,
    made,
    of_pgadmin,
    refused,
    rows,
    site,
    sql,
    until,
    wanted,
)
from tests.scripts.frozen import frozen
from tests.scripts.lab_host import HOST, LabHost

pytestmark = [pytest.mark.lab, pytest.mark.row("T1", "T2", "T3", "T4")]


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    """With Orchestra, as a site first brings it, on a host that has its packages."""
    with frozen(HOST, PACKAGES) as frozen_host:
        made(frozen_host, wanted(frozen_host))
        yield frozen_host


def test_it_runs_on_its_own_database_and_nothing_is_done_twice(host: LabHost) -> None:
    assert rows(host) == ["node02|2|0|30|0|lps", "node03|1|0|20|0|cern"]
    assert made(host, wanted(host)) == set()
    assert host.check() == {}
    assert host.bash("ss -Hltn 'sport = :5432' | awk '{ print $4 }'") == "127.0.0.1:5432\n"
    assert host.bash("ls /etc/postgresql/*/") == "orchestra\n"
    sql(host, "INSERT INTO job (status) SELECT 'registered' FROM generate_series(1, 5);")
    until(host, f"[ $({RUNNING}) = 3 ]")
    process = host.bash("systemctl show -p MainPID --value orchestra-pilot").strip()
    assert host.bash(f"stat -c %U /proc/{process}") == "orchestra\n"


@pytest.mark.row("T1")
def test_nobody_reads_the_password(host: LabHost) -> None:
    found = host.bash(
        "cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/* /var/log/postgresql/* "
        "/etc/systemd/system/orchestra* "
        "/usr/local/sbin/orchestra-database /etc/orchestra/run; journalctl -o cat; ps -ef"
    )
    assert PASSWORD not in found
    assert CONSOLE not in found
    modes = host.bash("stat -c '%a %U:%G %n' /etc/orchestra/*").splitlines()
    assert modes == [
        "640 root:orchestra /etc/orchestra/orchestra.env",
        "644 root:root /etc/orchestra/pgadmin-servers.json",
        "644 root:root /etc/orchestra/pgadmin.py",
        "600 orchestra:orchestra /etc/orchestra/pgpass",
        "755 root:root /etc/orchestra/run",
    ]
    assert host.bash(ASKED) == "orchestra\n1\n"


@pytest.mark.row("T1")
def test_passwords_change_and_pgadmin_is_for_those_who_have_its_own(host: LabHost) -> None:
    assert host.bash("ss -Hltn 'sport = :15432' | awk '{ print $4 }'") == "127.0.0.1:15432\n"
    assert of_pgadmin(host, "SELECT name, host, port, maintenance_db, username FROM server") == (
        "[('orchestra', '127.0.0.1', 5432, 'orchestra', 'orchestra')]"
    )
    assert [logged_in(host, "admin@lab.local", word) for word in (CONSOLE, "another")] == ["200", "401"]
    other = wanted(host, pgadmin={"email": "other@lab.local", "passwordSecret": "pgadminPassword"})
    changed = made(host, other, pgadminPassword="another-password", orchestraDatabase="a-third-password")
    assert changed == {"orchestra_pgadmin", "orchestra_database", "orchestra_settings", "orchestra_pilot"}
    assert host.bash(ASKED) == "orchestra\n1\n"
    assert logged_in(host, "admin@lab.local", CONSOLE) == "401"
    assert logged_in(host, "other@lab.local", "another-password") == "200"
    said = refused(host, other, pgadminPassword="short", orchestraDatabase="short")
    assert "the secret of database.passwordSecret is no password for the database: 12 or more printable ASCII" in said
    said = refused(host, other, pgadminPassword="short", orchestraDatabase="a-third-password")
    assert "the secret of pgadmin.passwordSecret is no password for pgAdmin: 12 or more printable ASCII" in said
    made(host, wanted(host))
    of_pgadmin(host, "DELETE FROM server")
    assert host.check()["orchestra_pgadmin"][1] == "pgAdmin's list of servers does not have orchestra at 127.0.0.1:5432"
    of_pgadmin(host, "UPDATE user SET locked = 1, login_attempts = 3")
    assert host.check()["orchestra_pgadmin"][1] == (
        "pgAdmin has locked the login admin@lab.local after wrong passwords. Fix: pulumi up unlocks it"
    )
    host.bash(OPEN)
    until(host, "ss -Hltn 'sport = :15432' | grep -q .")
    assert host.check()["orchestra_pgadmin"][1].startswith(
        "pgAdmin listens on '0.0.0.0:15432', wants 127.0.0.1:15432. Fix: "
    )
    host.bash("rm -r /run/systemd/system/orchestra-pgadmin.service.d /run/open.py; systemctl daemon-reload")
    made(host, wanted(host))
    assert logged_in(host, "admin@lab.local", CONSOLE) == "200"
    assert host.check() == {}


@pytest.mark.row("T3")
def test_one_edit_changes_its_rows_and_leaves_counters_alone(host: LabHost) -> None:
    sql(host, """UPDATE node SET "completedJobs" = 77 WHERE name = 'node02';""")
    edited = wanted(host, nodes={"node02": {"cpu": 3}, "node04": {"cpu": 5}})
    [_, own] = layers(host, edited).values()
    done = host.run("orchestra", own, SECRETS)
    told = [line.split() for line in done.stderr.splitlines() if " unchanged " not in line]
    assert {(word[1], word[2]) for word in told} >= {("undo", "orchestra_node#node03")}, done.stderr
    assert {word[2] for word in told if "changed" in word} == {"orchestra_node#node02", "orchestra_node#node04"}
    assert rows(host) == ["node02|3|0|30|0|lps", "node04|5|0|30|0|lps"]
    assert int(sql(host, """SELECT "completedJobs" FROM node WHERE name = 'node02';""")[0]) >= 77
    made(host, wanted(host))
    assert rows(host) == ["node02|2|0|30|0|lps", "node03|1|0|20|0|cern"]


@pytest.mark.row("T3")
def test_what_was_changed_in_the_table_by_hand_is_seen_row_by_row_and_mended(host: LabHost) -> None:
    sql(
        host,
        """UPDATE node SET "CPUJobs" = 9, "queueName" = 'loboc' WHERE name = 'node02';
        DELETE FROM node WHERE name = 'node03';
        INSERT INTO node (name, "CPUJobs") VALUES ('verdun', 4);""",
    )
    seen = {step: says for step, (_, says) in host.check().items()}
    assert seen["orchestra_node#node02"] == ("table node has for node02 CPUJobs 9, wants 2; queueName loboc, wants lps")
    assert seen["orchestra_node#node03"] == "table node has no row of node03"
    assert seen["orchestra_nodes"] == (
        "table node has rows that the site does not name: verdun (CPUJobs 4, GPUJobs empty)."
        " Fix: pulumi up deletes them; to keep one, write it under nodes first"
    )
    assert set(seen) == {"orchestra_node#node02", "orchestra_node#node03", "orchestra_nodes"}
    assert made(host, wanted(host)) == set(seen)
    sql(host, """INSERT INTO node (name, "CPUJobs") VALUES ('node02', 2);""")
    assert host.check()["orchestra_node#node02"][1] == "table node has 2 rows of node02, wants one"
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.row("T1")
def test_a_backup_puts_back_what_was_lost(host: LabHost) -> None:
    host.bash("systemctl start orchestra-backup")
    newest = host.bash("ls -t /var/backups/orchestra/*.dump | head -1").strip()
    jobs = sql(host, "SELECT count(*) FROM job;")
    sql(host, "DROP TABLE job;")
    host.bash(f"orchestra-database restore {newest}")
    assert sql(host, "SELECT count(*) FROM job;") == jobs
    former = sql(host, "SELECT datname FROM pg_database WHERE datname LIKE 'orchestra!_%' ESCAPE '!';", "postgres")
    assert len(former) == 1
    sql(host, f"DROP DATABASE {former[0]};", "postgres")
    until(host, "systemctl is-active -q orchestra-pilot")
    assert made(host, wanted(host)) <= {"orchestra_pilot"}
    assert host.check() == {}
    keeps_two = wanted(host, database={"backup": {"keep": 2}})
    made(host, keeps_two)
    host.bash("sleep 1; systemctl start orchestra-backup; sleep 1; systemctl start orchestra-backup")
    assert len(host.bash("ls /var/backups/orchestra").split()) == 2
    host.bash("touch -d '-50 hours' /var/backups/orchestra/*.dump")
    assert "last backup is 50 hours old, wants one each daily" in host.check()["orchestra_backup"][1]
    host.bash("chattr +i /var/backups/orchestra 2>/dev/null || mount -t tmpfs -o ro none /var/backups/orchestra")
    host.bash("! systemctl start orchestra-backup")
    assert host.check()["orchestra_backup"][1].startswith("the database's last backup failed: ")
    host.bash("umount /var/backups/orchestra 2>/dev/null || chattr -i /var/backups/orchestra")
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.row("T1", "T4")
def test_a_database_that_is_down_is_said_as_such_and_the_pilot_comes_back_after_it(host: LabHost) -> None:
    host.bash("systemctl stop postgresql@15-orchestra orchestra-pilot")
    seen = {step: says for step, (_, says) in host.check().items()}
    assert seen["orchestra_cluster"].startswith("postgresql@15-orchestra.service does not run. Fix: journalctl -u ")
    for step in ("orchestra_tables", "orchestra_node#node02", "orchestra_nodes", "orchestra_pilot"):
        assert seen[step].startswith("the database at 127.0.0.1:5432 does not answer: Connection refused. Fix: "), seen
    [_, own] = layers(host, wanted(host)).values()
    done = host.run("orchestra", own, SECRETS)
    assert "the database at 127.0.0.1:5432 does not answer: Connection refused" in done.stderr
    host.bash("systemctl start --no-block orchestra-pilot")
    assert "orchestra_cluster" in made(host, wanted(host))
    assert host.check() == {}
    # A server that is killed comes back, and so does the pilot.
    host.bash("kill -9 $(head -1 /var/lib/postgresql/15/orchestra/postmaster.pid)")
    until(host, "systemctl is-active -q 'postgresql@15-orchestra' && systemctl is-active -q orchestra-pilot")
    until(host, "runuser -u postgres -- psql -XAtqc 'SELECT 1' postgres >/dev/null 2>&1")
    faults.power_cut(host.machine)
    lab.start(host.machine)
    until(host, "systemctl is-active -q orchestra-pilot")
    assert host.check() == {}


@pytest.mark.row("T2")
def test_foreign_tables_are_refused_with_their_names(host: LabHost) -> None:
    [base, own] = layers(host, wanted(host, database={"name": "theirs"})).values()
    assert host.run("orchestra-database", base, SECRETS).returncode == 0
    sql(host, FOREIGN, "theirs")
    done = host.run("orchestra", own, SECRETS)
    assert (
        "the database theirs has tables that were not created for this site: keep, node. Nothing was changed."
        " Fix: write another database.name; or, to drop them with their data: database.recreate: yes-lose-data"
        in done.stderr
    )
    assert sql(host, "SELECT count(*) FROM keep;", "theirs") == ["0"]
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.long
@pytest.mark.row("T2")
def test_foreign_tables_are_dropped_when_told_and_saved_before(host: LabHost) -> None:
    told = wanted(host, database={"name": "others", "recreate": "yes-lose-data"})
    assert host.run("orchestra-database", layers(host, told)["orchestra-database"], SECRETS).returncode == 0
    sql(host, FOREIGN, "others")
    assert "orchestra_tables" in made(host, told)
    assert "node02|2|0|30|0|lps" in rows(host, "others")
    assert "TABLE public keep" in host.bash(
        "pg_restore --list /opt/orchestra/dropped-*.dump; rm /opt/orchestra/dropped-*.dump"
    )
    sql(host, "INSERT INTO job (status) VALUES ('kept');", "others")
    assert made(host, told) == set()
    assert sql(host, "SELECT count(*) FROM job;", "others") == ["1"]
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.long
@pytest.mark.row("T2")
def test_commands_that_fail_are_said_with_their_reason(host: LabHost) -> None:
    broken = wanted(host, commands={"pilot": "echo no such cluster >&2; exit 3"})
    assert "the pilot does not stay up: no such cluster. Fix: commands.pilot" in refused(host, broken)
    broken = wanted(host, commands={"setup": "test -e setup_modules.sh; echo nothing there >&2; exit 4"})
    assert (
        "setup command ended with status 4: nothing there. All of it: /var/lib/gpu-metal/orchestra-setup.log."
        in refused(host, broken)
    )
    assert made(host, wanted(host)) >= {"orchestra_pilot"}
    other = wanted(host, database={"name": "empty"}, commands={"createTables": "true"})
    assert "ended well and made no table node in the database empty. Fix: its script must read" in refused(host, other)
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.long
@pytest.mark.row("T2", "T4")
def test_what_was_changed_on_the_host_by_hand_is_seen_and_mended(host: LabHost) -> None:
    harms = {
        "echo >>/opt/orchestra/source/orchestra/scripts/run_rancher.py": "orchestra_source#source",
        "rm /opt/orchestra/environment/lib/python3.11/site-packages/six.py": "orchestra_environment",
        "chmod 644 /etc/orchestra/orchestra.env": "orchestra_settings",
        "systemctl disable -q --now orchestra-pilot": "orchestra_pilot",
        "systemctl stop orchestra-backup.timer": "orchestra_backup",
        "echo host all all 0.0.0.0/0 trust >>/etc/postgresql/15/orchestra/pg_hba.conf": "orchestra_cluster",
        "runuser -u postgres -- psql -qc 'ALTER ROLE orchestra SUPERUSER'": "orchestra_database",
    }
    host.bash("; ".join(harms))
    assert set(harms.values()) <= set(host.check())
    assert set(harms.values()) <= made(host, wanted(host))
    assert host.check() == {}
    sql(host, "ALTER SYSTEM SET listen_addresses = '*';")
    host.bash("systemctl restart postgresql@15-orchestra")
    said = host.check()["orchestra_cluster"][1]
    assert said.startswith(
        "the database listens on '*', wants '127.0.0.1'; /var/lib/postgresql/15/orchestra/postgresql.auto.conf"
    )
    sql(host, "ALTER SYSTEM RESET listen_addresses;")
    made(host, wanted(host))
    assert host.check() == {}


@pytest.mark.long
@pytest.mark.row("T1")
def test_a_declared_address_is_reached_by_tls_only(host: LabHost) -> None:
    own = str(host.machine.address)
    ask = f"PGPASSFILE=/etc/orchestra/pgpass psql -XAtc 'SELECT 1' 'host={own} user=orchestra dbname=orchestra sslmode="
    made(host, wanted(host, database={"listen": [own], "clients": [f"{own}/32"]}))
    assert host.bash("ss -Hltn 'sport = :5432' | awk '{ print $4 }' | sort") == f"{own}:5432\n127.0.0.1:5432\n"
    assert host.bash(f"{ask}require'") == "1\n"
    assert "no pg_hba.conf entry" in host.bash(f"{ask}disable' 2>&1 || true")
    made(host, wanted(host))
    assert host.bash("ss -Hltn 'sport = :5432' | awk '{ print $4 }'") == "127.0.0.1:5432\n"
    assert host.check() == {}


@pytest.mark.row("T1")
def test_preflight_sees_a_taken_port_and_an_address_of_another_host(host: LabHost) -> None:
    checks = steps.preflight(wanted(host, database={"listen": ["10.9.9.9"]}), site(host)[host.machine.name], site(host))
    assert host.questions(checks)["orchestra_port"].startswith(
        "has no address 10.9.9.9, on which the database is to listen."
    )
