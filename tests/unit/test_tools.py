"""Where tools come from, on a cache of the test's own, with a fake `go` and a local web server as the official sites.

Does not prove: that the real modules build and that the real sites have these files (`make up` from cold does).
"""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import versions
from lab.tools.catalogue import HELM, KUBERNETES
from tools import cache, catalogue, get, pyenv
from tools.cache import ToolError
from tools.catalogue import PULUMI
from tools.download import NoDownloadError, download, unreachable
from tools.tool import Download, Tool

ROOT = Path(__file__).parents[2]

FAKE_GO = """#!/bin/bash
echo "$*" >> "$(dirname "$0")/calls"
case $1 in
  env) printf 'go1.99.0\\nlocal\\n' ;;
  build)
    out=$(sed 's/.*-o \\([^ ]*\\).*/\\1/' <<<"$*")
    echo half > "$out"
    if [[ -e "$(dirname "$0")/slow" ]]; then exec sleep 60; fi
    if [[ -e "$(dirname "$0")/broken" ]]; then echo 'undefined: frob' >&2; exit 1; fi
    printf '#!/bin/sh\\necho built\\n' > "$out" ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a PATH with the fake `go` and the system's commands only."""
    store = tmp_path / "tools"
    for module in (cache, get):
        monkeypatch.setattr(module, "TOOLS", store)
        monkeypatch.setattr(module, "TOOLS_BIN", store / "bin")
    monkeypatch.setattr(cache.whole, "__defaults__", (store,))
    _program(tmp_path / "path" / "go", FAKE_GO)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return store


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server that stands for the official sites."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def _group_is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def _offline(tool: Tool) -> Tool:
    return replace(tool, official=None)


def _official(url: str) -> Tool:
    return replace(HELM, official=Download(f"{url}/helm-v{{version}}.tar.gz", f"{url}/sums"))


def _release(folder: Path, members: dict[str, bytes]) -> None:
    archive = folder / f"helm-v{HELM.version}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    (folder / "sums").write_text(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n")


def test_built_kubernetes_is_the_version_that_sites_get_by_default() -> None:
    assert KUBERNETES.version == versions.KUBERNETES


def test_version_comes_from_the_module_and_not_from_one_with_a_longer_name() -> None:
    assert PULUMI.version == "3.220.0"
    assert catalogue.LANGUAGE_PYTHON.version == "3.79.0"


def test_kubernetes_is_told_its_version() -> None:
    assert "gitVersion=v1.34.2 -X k8s.io/component-base/version.gitMajor=1" in KUBERNETES.linker_flags()
    assert "gitMinor=34" in KUBERNETES.linker_flags()


def test_build_then_cached(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    get.get(_offline(HELM))
    get.get(_offline(HELM))
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[2:6]) for line in lines[1:]] == ["built from Go modules", "cached"]
    assert (tmp_path / "path" / "calls").read_text().count("\nbuild ") == 1
    assert subprocess.run([tools / "bin" / "helm"], capture_output=True, text=True, check=True).stdout == "built\n"


def test_changed_sums_are_built_anew(tools: Path, tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    (modules / "helm").mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (modules / "helm" / name).write_bytes((HELM.folder / name).read_bytes())
    helm = replace(_offline(HELM), room=modules)
    first = get.get(helm)
    with (modules / "helm" / "go.sum").open("a") as sums:
        sums.write("example.com/more v1.0.0 h1:=\n")
    second = get.get(helm)
    assert first != second
    assert (tools / "bin" / "helm").resolve() == second / "helm"


def test_failed_build_names_the_reason_and_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "path" / "broken").touch()
    with pytest.raises(ToolError, match=r"helm \[go build\] failed in .*/helm:\n  undefined: frob"):
        get.get(_offline(HELM))
    assert list(tools.iterdir()) == []


def test_without_go_says_what_to_install(tools: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ToolError, match=r"there is no `go` on PATH\. Fix: install Go 1\.24"):
        get.get(_offline(HELM))
    assert list(tools.iterdir()) == []


@pytest.mark.usefixtures("tools")
def test_go_that_is_too_old_says_which_is_needed(tmp_path: Path) -> None:
    _program(tmp_path / "path" / "go", "#!/bin/sh\nprintf 'go1.19.8\\nlocal\\n'\n")
    with pytest.raises(ToolError, match=r"needs Go 1\.24\.7; go1\.19\.8 is on PATH"):
        get.get(_offline(HELM))


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_build_leaves_nothing_that_is_taken_for_whole(tmp_path: Path, number: int) -> None:
    (tmp_path / "path" / "slow").touch()
    code = (
        "import sys; from dataclasses import replace; from lab.tools.catalogue import HELM; from tools import get;"
        "sys.exit(get.main(['helm'], {'helm': lambda: get.get(replace(HELM, official=None))}))"
    )
    env = {"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": "/nowhere"}
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, start_new_session=True)
    store = tmp_path / "cache" / "gpu-metal" / "tools"
    until = time.monotonic() + 20
    while not list(store.glob(".new-*/helm")):
        assert time.monotonic() < until
        time.sleep(0.02)
    run.send_signal(number)
    assert run.wait(60) == (130 if number == signal.SIGTERM else -number)
    if number == signal.SIGKILL:
        os.killpg(run.pid, signal.SIGKILL)  # nobody else ends its build
    else:
        until = time.monotonic() + 20
        while _group_is_there(run.pid):  # init takes its time with what has ended
            assert time.monotonic() < until
            time.sleep(0.02)
    assert not list(store.glob("helm-*"))
    (tmp_path / "path" / "slow").unlink()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=120)
    assert sorted(path.name for path in store.iterdir()) == [".lock", "bin", HELM.key]


def test_path_wins_in_the_right_version_only(tools: Path, tmp_path: Path) -> None:
    program = tmp_path / "path" / "helm"
    _program(program, '#!/bin/sh\necho \'version.BuildInfo{Version:"v3.0.0", GoVersion:"go1.24"}\'\n')
    assert get.get(_offline(HELM)) == tools / HELM.key
    _program(program, program.read_text().replace("3.0.0", HELM.version))
    assert get.get(_offline(HELM)) == program.parent
    assert (tools / "bin" / "helm").readlink() == program


@pytest.mark.usefixtures("tools")
def test_pulumi_on_path_needs_its_language_host_beside_it(tmp_path: Path) -> None:
    _program(tmp_path / "path" / "pulumi", f"#!/bin/sh\necho v{PULUMI.version}\n")
    assert get.on_path(PULUMI) is None
    for name in PULUMI.companions:
        _program(tmp_path / "path" / name, "")
    assert get.on_path(PULUMI) == tmp_path / "path"


def test_official_download_needs_no_go(tools: Path, tmp_path: Path, site: tuple[str, Path]) -> None:
    url, folder = site
    _release(folder, {"linux-amd64/helm": b"program", "linux-amd64/LICENSE": b"text", "../../evil": b"no"})
    got = get.get(_official(url))
    assert got == tools / HELM.key
    assert sorted(path.name for path in got.iterdir()) == ["helm"]
    assert not (tmp_path / "path" / "calls").exists()
    assert not list(tmp_path.rglob("evil"))


def test_wrong_checksum_is_refused_and_built_instead(
    tools: Path, site: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    url, folder = site
    _release(folder, {"linux-amd64/helm": b"program"})
    (folder / "sums").write_text(f"{'0' * 64}  helm-v{HELM.version}.tar.gz\n")
    got = get.get(_official(url))
    said = capsys.readouterr().out
    assert "has SHA-256" in said
    assert f"wanted {'0' * 64}: building from Go modules" in said
    assert (got / "helm").read_text().startswith("#!/bin/sh")
    assert [path.name for path in got.iterdir()] == ["helm"]
    assert got.parent == tools


def test_missing_release_and_broken_archive_are_one_line(tmp_path: Path, site: tuple[str, Path]) -> None:
    url, folder = site
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(NoDownloadError, match=rf"^{url}/helm-v{HELM.version}\.tar\.gz: HTTP 404$"):
        download(_official(url), into)
    archive = folder / f"helm-v{HELM.version}.tar.gz"
    archive.write_bytes(b"<html>please log in</html>")
    (folder / "sums").write_text(hashlib.sha256(archive.read_bytes()).hexdigest())
    with pytest.raises(NoDownloadError, match="the archive is broken"):
        download(_official(url), into)


def test_site_that_is_not_there_is_known_at_once() -> None:
    assert unreachable("https://no-such-host.invalid/") == (
        "no-such-host.invalid cannot be reached (its name is not known here)"
    )
    assert "127.0.0.1 cannot be reached" in unreachable("http://127.0.0.1:9/")


def test_python_environment_is_redone_when_the_lock_changes_or_a_run_was_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = tmp_path / "calls"
    _program(
        tmp_path / "uv",
        f'#!/bin/sh\necho "$@" >> {calls}\n[ ! -e {tmp_path}/broken ] || {{ echo no match >&2; exit 1; }}\n',
    )
    monkeypatch.setattr(pyenv, "uv", lambda: tmp_path / "uv")
    monkeypatch.setattr(pyenv, "TOOLS", tmp_path)
    lock = tmp_path / "requirements.lock"
    lock.write_text("one==1\n")
    for _ in range(2):
        pyenv.environment(tmp_path)
        os.utime(lock)
    pyenv.environment(tmp_path)
    assert (tmp_path / ".venv" / "ready").stat().st_mtime >= lock.stat().st_mtime  # `make` asks the same question
    assert len(calls.read_text().splitlines()) == 1
    assert "--require-hashes --compile-bytecode" in calls.read_text()
    (tmp_path / "broken").touch()
    lock.write_text("one==2\n")
    with pytest.raises(ToolError, match=r"python \[environment\] failed:\n  no match"):
        pyenv.environment(tmp_path)
    (tmp_path / "broken").unlink()
    lock.write_text("one==1\n")  # back again: the environment may be half of each
    pyenv.environment(tmp_path)
    assert len(calls.read_text().splitlines()) == 3
    assert capsys.readouterr().out.count("installed by uv") == 2
