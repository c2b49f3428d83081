"""No secret outside the file that it is for (gX1): not in argv, environments, ledger, logs or messages."""

import subprocess
from pathlib import Path
from secrets import token_hex

import pytest

from tests.scripts.runner_host import Host, readable, until

SECRET = """\
# The file has the secret; its apply waits until the test has looked.
# secrets: token
check() { [[ -e $(input place)/secret ]] || untrue "no secret file"; }
apply() {
    secret token | write_file "$(input place)/secret" 0600
    secret token
    cat "$(input place)/secret" >&2
    : >"$(input place)/begun"
    until [[ -e $(input place)/go ]]; do sleep 0.02; done
}
"""

LOGIN = """\
# The file has what the secrets say.
# secrets: user password
check() { [[ -e $(input place)/login ]] || untrue "no file"; }
apply() { { secret user; secret password; } | write_file "$(input place)/login" 0600; }
undo() { rm -f "$(input place)/login"; }
"""


def holding(canary: str, *folders: Path) -> list[Path]:
    """The files under `folders` that have `canary` in them."""
    return [p for folder in folders for p in folder.rglob("*") if p.is_file() and canary.encode() in readable(p)]


@pytest.mark.row("X2")
def test_a_secret_is_in_no_argv_environment_ledger_or_log_while_its_step_runs_and_after(host: Host) -> None:
    canary = token_hex(16)
    lines = [canary, canary[::-1] + "/&.*"]
    run = host.start("apply", "base", "::", host.step("keeper", SECRET), f"place={host.root}", stdin=subprocess.PIPE)
    assert run.stdin
    run.stdin.write("\n".join(["secret keeper token 2", *lines, ""]).encode())
    run.stdin.close()
    run.stdin = None
    until((host.root / "begun").exists)
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            found = readable(process / name)
            assert not any(line.encode() in found for line in lines), process
    assert holding(canary, host.root) == [host.root / "secret"]
    (host.root / "go").touch()
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0
    assert canary.encode() not in out + err
    assert holding(canary, host.root) == [host.root / "secret"]
    assert holding(lines[1], host.root) == [host.root / "secret"]
    assert (host.home / "log/base/keeper.log").read_text() == "•••\n" * 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in host.home.rglob("*") if "library" not in path.parts)


def test_a_secret_that_is_part_of_another_and_a_short_one_leave_no_trace_in_the_log(host: Host) -> None:
    words = ["abc", "abcdef", "xxabcdefyy", "q", "abcdefyy"]
    keys = [f"k{number}" for number in range(len(words))]
    show = "; ".join(f"secret {key}" for key in keys)
    ref = host.step("shows", f"# x\ncheck() {{ untrue x; }}\napply() {{ {show}; exit 3; }}\n")
    payload = "".join(f"secret shows {key} 1\n{word}\n" for key, word in zip(keys, words, strict=True))
    host.apply("base", [ref], payload=payload, status=1)
    assert (host.home / "log/base/shows.log").read_text() == "•••\n" * len(words)


def test_what_a_killed_step_was_staging_is_removed(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    staged = host.root / "run" / ".write.999999999"
    staged.write_text("secret")
    host.apply("base", host.file("a", "1"))
    assert not staged.exists()


def test_a_changed_secret_is_applied_though_no_check_can_see_it(host: Host) -> None:
    ref = host.step("login", LOGIN)

    def apply(*values: str) -> str:
        blocks = zip(("user", "password"), values, strict=True)
        payload = "".join(f"secret login {key} 1\n{value}\n" for key, value in blocks)
        return host.apply("base", [ref, f"place={host.root}"], payload=payload).stderr

    canary = token_hex(16)
    assert " login changed " in apply("ana", "one")
    assert " login unchanged " in apply("ana", "one")
    assert " login changed " in apply("ana", canary)
    assert (host.root / "login").read_text() == f"ana\n{canary}\n"
    assert " login unchanged " in apply("ana", canary)
    kept = [path for path in host.home.rglob("secrets/base/login") if path.stat().st_mode & 0o077 == 0]
    assert len(kept) == 1
    assert holding(canary, host.home) == []
    host.run("undo", "base")
    assert not kept[0].exists()
