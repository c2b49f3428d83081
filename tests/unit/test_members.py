"""`sitectl user` and `sitectl project` edit the site's files. Does not prove: what `pulumi up` makes of them."""

import os
from pathlib import Path

import pytest

from ops import asking, files, site_draft
from tests.unit.fake_hosts import Sitectl

PEOPLE = """\
    users:   # people
      ana: {email: ana@example.org}    # leads vision

      ben: {}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL1 ana@laptop"


@pytest.fixture
def site(ctl: Sitectl) -> Path:
    """The site's file, with two users, a range and a project that has both."""
    path = ctl.folder / "Pulumi.dev.yaml"
    text = path.read_text().replace("gpus: 4}", "gpus: 4, members: [ana,  ben]}   # both")
    path.write_text(text + PEOPLE)
    path.chmod(0o640)
    return path


def diff(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went, lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_a_user_comes_with_projects_and_the_rest_of_the_file_stays(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    (ctl.folder / "carl.pub").write_text(f"# mine\n{KEY}\n")
    key = str(ctl.folder / "carl.pub")
    done = ctl("user", "add", "carl", "--uid", "20003", "--key", key, "--project", "vision", "--yes")
    assert done.exit_code == 0, done.stderr
    came = f'      carl: {{uid: 20003, keys: ["{KEY}"]}}'
    old = '      vision: {cpu: "4", memory: 8Gi, gpus: 4, members: [ana,  ben]}   # both'
    assert diff(before, site.read_text()) == ([old], [old.replace("ben]", "ben, carl]"), came])
    assert f"-{old}\n" in done.stdout
    assert f"+{came}\n" in done.stdout
    assert "Pulumi.dev.yaml is written. Next: pulumi preview --diff, then pulumi up" in done.stderr
    assert site.stat().st_mode & 0o777 == 0o640
    assert ctl("validate").exit_code == 0


def test_a_user_that_is_there_is_put_into_a_project_and_taken_out_of_it(ctl: Sitectl, site: Path) -> None:
    assert ctl("project", "add", "text", "--gpus", "1", "--yes").exit_code == 0
    before = site.read_text()
    assert ctl("user", "add", "ana", "--project", "text", "--yes").exit_code == 0
    assert diff(before, site.read_text())[1] == ["      text: {gpus: 1, members: [ana]}"]
    done = ctl("user", "remove", "ana", "--project", "text", "--yes")
    assert done.exit_code == 0
    assert "goes : ana in text" in done.stderr
    assert "purge" not in done.stderr
    assert diff(before, site.read_text())[1] == ["      text: {gpus: 1, members: []}"]
    again = ctl("user", "remove", "ana", "--project", "text", "--yes")
    assert (again.exit_code, again.stderr.splitlines()[-1]) == (2, "ana is not a member of text. Nothing was written.")


def test_a_removed_user_leaves_every_project_and_keeps_data(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    done = ctl("user", "remove", "ana", "--yes")
    assert done.exit_code == 0, done.stderr
    gone, came = diff(before, site.read_text())
    assert gone[1:] == ["      ana: {email: ana@example.org}    # leads vision"]
    assert came == ['      vision: {cpu: "4", memory: 8Gi, gpus: 4, members: [ben]}   # both']
    assert "goes : ana in vision\n" in done.stderr
    assert "goes : the access that certificates of ana give there; they cannot be revoked" in done.stderr
    assert "stays: files of ana in home folders and on volumes\n" in done.stderr
    assert "to delete what stays, after pulumi up: sitectl user purge ana" in done.stderr


@pytest.mark.row("N6")
def test_a_user_comes_with_a_project_of_its_own_which_says_so_when_the_user_goes(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    assert ctl("user", "add", "carl", "--uid", "20003", "--own-project", "--yes").exit_code == 0
    came = ["      carl: {members: [carl]}", "      carl: {uid: 20003}"]
    assert diff(before, site.read_text()) == ([], came)
    again = ctl("user", "add", "carl", "--own-project", "--yes")
    assert again.exit_code == 2
    assert "projects.carl: is there already. Nothing was written. Fix: --project carl instead of --own-" in again.stderr
    done = ctl("user", "remove", "carl", "--dry-run")
    assert "stays: project carl, which nobody may enter any more: sitectl project remove carl\n" in done.stderr


@pytest.mark.row("N6")
def test_a_removed_user_leaves_the_shares_too(ctl: Sitectl, site: Path) -> None:
    text = site.read_text().replace("cp-1: {", "cp-1: {frontEnd: true, ")
    text = text.replace("ana: {", "ana: {uid: 20001, ").replace("ben: {}", "ben: {uid: 20002}")
    logins = "users: {ana: {passwordSecret: a}, ben: {passwordSecret: b}}"
    out = "out: {path: /srv/out, users: [ana, ben], readOnly: [ben]}"
    site.write_text(
        f"{text}    samba: {{host: cp-1, {logins}, shares: {{in: {{path: /srv/in, homes: true}}, {out}}}}}\n"
    )
    done = ctl("user", "remove", "ben", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "goes : ben in samba.shares.out.readOnly, samba.shares.out.users, samba.users\n" in done.stderr
    last = site.read_text().splitlines()[-1]
    assert "users: {ana: {passwordSecret: a}}" in last
    assert "users: [ana], readOnly: []" in last


@pytest.mark.row("N3", "N6")
def test_a_user_is_let_into_shares_by_command(ctl: Sitectl, site: Path) -> None:
    text = site.read_text().replace("cp-1: {", "cp-1: {frontEnd: true, ").replace("ana: {", "ana: {uid: 20001, ")
    shares = "shares: {in: {path: /srv/in, homes: true}, out: {path: /srv/out, users: [ana]}}"
    samba = f"samba: {{host: cp-1, users: {{ana: {{passwordSecret: a}}}}, {shares}}}"
    site.write_text(f"{text.replace('ben: {}', 'ben: {uid: 20002}')}    {samba}\n")
    done = ctl("user", "add", "ana-li", "--uid", "20003", "--share", "in", "--share", "out", "--yes")
    assert done.exit_code == 0, done.stderr
    said = "before pulumi up: pulumi config set --secret anaLiShares --stack dev   # asks for the password of ana-li"
    assert said in done.stderr
    last = site.read_text().splitlines()[-1]
    assert "users: {ana: {passwordSecret: a}, ana-li: {passwordSecret: anaLiShares}}" in last
    assert "out: {path: /srv/out, users: [ana, ana-li]}" in last
    # A share without a list lets every user of `samba` in.
    assert ctl("user", "add", "ben", "--share", "in", "--yes").exit_code == 0
    assert "ben: {passwordSecret: benShares}" in site.read_text().splitlines()[-1]
    assert "users: [ana, ana-li]}" in site.read_text().splitlines()[-1]
    before = site.read_text()
    done = ctl("user", "add", "ana", "--share", "out", "--yes")
    assert (done.exit_code, "ana may enter out already. Nothing was written." in done.stderr) == (2, True)
    done = ctl("user", "add", "ana", "--share", "other", "--yes")
    assert done.exit_code == 2
    assert "--share other: the site has no such share. There are: in, out." in done.stderr
    assert site.read_text() == before


def test_shares_of_a_site_without_samba(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    done = ctl("user", "add", "ana", "--share", "in", "--yes")
    assert (done.exit_code, site.read_text()) == (2, before)
    assert "--share in: the site has no Samba shares. Nothing was written. Fix: sitectl explain samba" in done.stderr


def test_a_project_comes_and_goes(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    words = ("--gpus", "2", "--cpu", "8", "--memory", "64Gi", "--storage", "1Ti", "--member", "ben", "--role", "view")
    assert ctl("project", "add", "text", *words, "--yes").exit_code == 0
    line = '      text: {gpus: 2, cpu: "8", memory: "64Gi", storage: "1Ti", members: [ben], role: view}'
    assert diff(before, site.read_text()) == ([], [line])
    done = ctl("project", "remove", "text", "--yes")
    assert site.read_text() == before
    assert "goes : the roles of ben\ngoes : 2 GPUs of quota\n" in done.stderr


def test_an_account_that_the_site_wants_besides_is_named(ctl: Sitectl, site: Path) -> None:
    site.write_text(site.read_text().replace("ben: {}", "ben: {uid: 20002}").replace("ana: {", "ana: {uid: 20001, "))
    assert "the account ben on" not in ctl("user", "remove", "ben", "--dry-run").stderr
    text = site.read_text().replace(
        "    hosts:", "    frontEnd: true\n    accounts: {ben: {shell: /bin/zsh}}\n    hosts:"
    )
    site.write_text(text)
    said = ctl("user", "remove", "ben", "--dry-run").stderr
    assert "which accounts.ben of the site wants. Take that out by hand\n" in said
    assert "the account ana" not in ctl("user", "remove", "ana", "--dry-run").stderr


def test_groups_lose_their_role_with_the_project(ctl: Sitectl, site: Path) -> None:
    assert ctl("project", "add", "text", "--group", "oidc:text", "--yes").exit_code == 0
    before = site.read_text()
    assert "goes : the roles of oidc:text\n" in ctl("project", "remove", "text", "--dry-run").stderr
    assert site.read_text() == before


def test_the_entry_is_edited_in_the_file_that_has_it(ctl: Sitectl, site: Path) -> None:
    own = site.read_text().replace(PEOPLE, "").replace("    hosts:", "    include: [people.yaml]\n    hosts:")
    site.write_text(own)
    people = ctl.folder / "people.yaml"
    people.write_text("# who\nusers:\n  ana: {}\n  ben: {}\nprojects: {text: {members: [ben]}}\n")
    assert ctl("user", "add", "carl", "--project", "text", "--yes").exit_code == 0
    assert site.read_text() == own
    assert people.read_text().endswith("  ben: {}\n  carl: {}\nprojects: {text: {members: [ben, carl]}}\n")
    done = ctl("user", "remove", "ben", "--yes")
    assert "Pulumi.dev.yaml and people.yaml are written" in done.stderr
    assert people.read_text() == "# who\nusers:\n  ana: {}\n  carl: {}\nprojects: {text: {members: [carl]}}\n"
    assert diff(own, site.read_text())[1] == ['      vision: {cpu: "4", memory: 8Gi, gpus: 4, members: [ana]}   # both']


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "user add ana --email a@b.c",
            "Pulumi.dev.yaml:12 users.ana: is there already. Nothing was written. Fix: edit",
        ),
        ("user add Ana", "Pulumi.dev.yaml:15 users.Ana: is not the name of a user"),
        ("user add carl --project visoin", "visoin: there is no such project in the site. There are: vision. Nothing"),
        ("user add ana --project vision", "ana is a member of vision already. Nothing was written."),
        ("user add carl --uid 5", "users.carl.uid: "),
        ("user remove carl", "carl: there is no such user in the site. Fix: sitectl user list"),
        ("project add vision", "Pulumi.dev.yaml:10 projects.vision: is there already."),
        ("project add text --gpus 99", "projects.text.gpus: 99 is more than all hosts offer, which is 4."),
        ("project add text --member dan", "projects.text.members[0]: dan is not one of users."),
        ("project add kube-public", "projects.kube-public: is a namespace of Kubernetes itself."),
        ("project remove text", "text: there is no such project in the site. There are: vision. Nothing was written."),
    ],
)
def test_a_wrong_edit_is_refused_before_anything_is_written(ctl: Sitectl, site: Path, words: str, said: str) -> None:
    before = site.read_text()
    done = ctl(*words.split(), "--yes")
    assert said in done.stderr
    assert done.exit_code == 2
    assert site.read_text() == before


def test_a_private_key_is_refused_and_not_shown(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    (ctl.folder / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n")
    done = ctl("user", "add", "carl", "--key", str(ctl.folder / "id"), "--yes")
    assert (done.exit_code, site.read_text()) == (2, before)
    assert "id: is a private key. Nothing was written. Fix: --key" in done.stderr
    assert "canary" not in done.output


def test_nothing_is_written_without_an_answer(ctl: Sitectl, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = site.read_text()
    done = ctl("user", "remove", "ana")
    assert (done.exit_code, site.read_text()) == (2, before)
    assert "Nobody to ask here. Nothing was written. Fix: repeat with --yes." in done.stderr
    monkeypatch.setattr(asking, "somebody", lambda: True)
    done = ctl("user", "remove", "ana", stdin="n\n")
    assert (done.exit_code, site.read_text()) == (1, before)
    assert done.stderr.endswith("Nothing was written.\n")
    assert ctl("user", "remove", "ana", stdin="y\n").exit_code == 0
    assert site.read_text() != before


def test_a_dry_run_prints_the_diff_only(ctl: Sitectl, site: Path) -> None:
    before = site.read_text()
    done = ctl("project", "remove", "vision", "--dry-run")
    assert (done.exit_code, site.read_text()) == (0, before)
    assert done.stdout.startswith("--- Pulumi.dev.yaml (now)\n+++ Pulumi.dev.yaml (then)\n")
    answer = ctl.json("project", "remove", "vision", "--dry-run")
    assert (answer["ok"], answer["written"], answer["goes"]) == (True, [], ["the roles of ana, ben", "4 GPUs of quota"])


def test_what_somebody_else_writes_meanwhile_is_not_lost(
    ctl: Sitectl, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = site_draft.Draft.checked

    def meanwhile(draft: site_draft.Draft) -> object:
        site.write_text(site.read_text() + "# mine\n")
        return real(draft)

    monkeypatch.setattr(site_draft.Draft, "checked", meanwhile)
    done = ctl("user", "remove", "ana", "--yes")
    assert done.exit_code == 1
    assert "Pulumi.dev.yaml was changed by somebody else meanwhile. Nothing was written. Fix: repeat." in done.stderr
    assert site.read_text().endswith("# mine\n")
    assert "ana" in site.read_text()


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_were(
    ctl: Sitectl, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_text(site.read_text().replace("    hosts:", "    include: [text.yaml]\n    hosts:"))
    (ctl.folder / "text.yaml").write_text("projects: {text: {members: [ana]}}\n")
    before, real = site.read_text(), files.replace

    def full(path: Path, content: bytes) -> None:
        if path.name == "text.yaml":
            raise OSError(28, os.strerror(28))
        real(path, content)

    monkeypatch.setattr(files, "replace", full)
    done = ctl("user", "remove", "ana", "--yes")
    assert done.exit_code == 1
    assert "text.yaml cannot be written: No space left on device. Nothing was written." in done.stderr
    assert site.read_text() == before


def test_a_link_to_the_site_stays_a_link(ctl: Sitectl, site: Path) -> None:
    real = ctl.folder / "elsewhere.yaml"
    site.rename(real)
    site.symlink_to(real)
    assert ctl("user", "remove", "ben", "--yes").exit_code == 0
    assert site.is_symlink()
    assert "ben" not in real.read_text()


def test_an_entry_that_an_anchor_repeats_is_left_to_the_operator(ctl: Sitectl, site: Path) -> None:
    text = site.read_text().replace("members: [ana,  ben]", "members: &both [ana, ben]")
    site.write_text(text.replace("    users:", "      text: {members: *both}\n    users:"))
    before = site.read_text()
    done = ctl("user", "add", "carl", "--project", "text", "--yes")
    assert (done.exit_code, site.read_text()) == (2, before)
    fix = "Nothing was written. Fix: write that entry in the file by hand."
    assert "Pulumi.dev.yaml:11 projects.text.members: members is not written here but repeated" in done.stderr
    assert fix in done.stderr
