"""Orchestra on a bare host: installed, gone and there again on its data, removed; its data stay, and nothing else."""

import pytest

from tests.parts.orchestra.scripts.site import LEFT, layers, made, sql, wanted
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.mark.row("T1", "T2")
def test_it_comes_up_again_on_its_data_and_removed_it_leaves_them(spare: LabHost) -> None:
    host, before = spare, spare.snapshot()
    host.install()
    made(host, wanted(host))
    sql(host, "INSERT INTO job (status) VALUES ('kept');")
    jobs = sql(host, "SELECT count(*) FROM job;")
    base = layers(host, wanted(host))["orchestra-database"]
    assert host.gpu_metal("undo orchestra").returncode == 0
    host.apply("orchestra-database", base[:2])  # the packages only: they take a minute
    assert host.bash("ls /var/lib/postgresql/15; ls /etc/postgresql /opt | wc -l") == "orchestra\n3\n"
    assert "orchestra_tables" not in made(host, wanted(host))
    assert sql(host, "SELECT count(*) FROM job;") == jobs
    assert host.check() == {}
    host.apply("orchestra-database", base[:2])
    # A folder that was restored may lack the settings.
    host.bash("rm /var/lib/postgresql/15/orchestra/{postgresql,pg_ident}.conf")
    made(host, wanted(host))
    assert sql(host, "SELECT count(*) FROM job;") == jobs
    assert host.check() == {}
    host.remove()
    assert host.bash("ls /var/lib/postgresql/15; ls /var/backups/orchestra").startswith("orchestra\norchestra-")
    host.bash("rm -rf /var/lib/postgresql /var/log/postgresql /var/backups/orchestra /etc/postgresql")
    left = differences(before, host.snapshot())
    assert not [path for path in left if not path.startswith(LEFT)], left
