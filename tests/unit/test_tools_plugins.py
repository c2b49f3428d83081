"""How the kubernetes plugin is had, and what `pulumi` on PATH does for it, with fakes for `go` and `pulumi`.

Does not prove: that the real module builds, and that the real plugin writes into TMPDIR (tests/lab/test_site.py).
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lab.tools import get as lab_get
from lab.tools.catalogue import HELM
from tools import cache, get, gobuild, plugins
from tools.cache import ToolError
from tools.catalogue import KUBERNETES_PLUGIN, PULUMI

ROOT = Path(__file__).parents[2]
SCHEMA = KUBERNETES_PLUGIN.embeds[0]

FAKE_GO = """#!/bin/bash
here=$(dirname "$0")
case $1 in
  env) printf 'go1.99.0\\nlocal\\n' ;;
  list) echo "$here/source" ;;
  mod) [ "$2" = download ] || echo "$4" >> go.mod ;;
  build)
    grep -q provider/v4=./module go.mod || exit 1
    cat module/cmd/pulumi-resource-kubernetes/*-embed.json > "$(sed 's/.*-o \\([^ ]*\\).*/\\1/' <<<"$*")" ;;
esac
"""


def program(file: Path, text: str) -> Path:
    """A script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_the_built_plugin_is_of_the_same_release_as_the_sdk() -> None:
    assert KUBERNETES_PLUGIN.version == plugins.version("kubernetes")


def test_helm_is_compiled_out_of_the_same_modules() -> None:
    helm, plugin = (
        dict(re.findall(r"^\t(\S+) (v\S+)", (tool.folder / "go.mod").read_text(), re.M))
        for tool in (HELM, KUBERNETES_PLUGIN)
    )
    assert len(helm.keys() & plugin.keys()) > 100
    assert {name for name in helm.keys() & plugin.keys() if helm[name] != plugin[name]} == set()


def test_another_release_in_the_lock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "version", lambda _: "4.99.0")
    with pytest.raises(ToolError, match=r"has the SDK 4\.99\.0, .*/go\.mod the plugin 4\.34\.2\. Fix:"):
        plugins.kubernetes(lambda _: Path("/nowhere"))


def test_what_the_plugin_embeds_is_generated_into_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "path" / "source"
    program(tmp_path / "path" / "go", FAKE_GO)
    for embed in KUBERNETES_PLUGIN.embeds:
        program(source / embed, json.dumps({"name": "kubernetes"}, indent=2))
    (source / SCHEMA).parent.chmod(0o555)  # as Go's module cache is
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    gobuild.build(KUBERNETES_PLUGIN, tmp_path)
    built = (tmp_path / "pulumi-resource-kubernetes").read_text()
    assert built == '{"name":"kubernetes","version":"4.34.2"}{"name":"kubernetes"}'
    assert sorted(path.name for path in (source / SCHEMA).parent.iterdir()) == ["schema.json", "terraform-mapping.json"]


def test_a_tool_that_embeds_other_files_is_another_one() -> None:
    assert replace(KUBERNETES_PLUGIN, embeds=()).key != KUBERNETES_PLUGIN.key


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PULUMI_HOME, no way to Pulumi's site, and a `pulumi` that installs."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(plugins, "unreachable", lambda _: "get.pulumi.com cannot be reached")
    monkeypatch.setattr(plugins, "TOOLS_BIN", tmp_path / "bin")
    target = tmp_path / "home" / "plugins" / "resource-$4-v$5" / "pulumi-resource-$4"
    program(tmp_path / "bin" / "pulumi", f'#!/bin/sh\nmkdir -p "$(dirname {target})" && cp "$7" {target}\n')
    return tmp_path / "home" / "plugins"


def test_the_plugin_is_built_once_and_takes_the_place_of_a_stand_in(home: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    program(built / "pulumi-resource-kubernetes", "\x7fELF")
    got = []
    place = program(home / "resource-kubernetes-v4.34.2" / "pulumi-resource-kubernetes", "#!/usr/bin/env bash\n")
    for _ in range(2):
        plugins.kubernetes(lambda tool: got.append(tool) or built)  # type: ignore[func-returns-value]
    assert got == [KUBERNETES_PLUGIN]
    assert place.read_text() == "\x7fELF"


def test_a_half_installed_plugin_is_installed_again(home: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    program(built / "pulumi-resource-kubernetes", "\x7fELF whole")
    place = program(home / "resource-kubernetes-v4.34.2" / "pulumi-resource-kubernetes", "\x7fELF")
    (home / "resource-kubernetes-v4.34.2.partial").touch()  # Pulumi's mark, until it has ended
    plugins.kubernetes(lambda _: built)
    assert place.read_text() == "\x7fELF whole"


def test_a_go_that_fetches_no_other_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12's knows no GOTOOLCHAIN, and prints an empty line for it."""
    program(tmp_path / "go", "#!/bin/sh\nprintf 'go1.19.8\\n\\n'\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ToolError, match=r"needs Go 1\.2\S+; go1\.19\.8 is on PATH\. Fix: install Go"):
        gobuild.module_folder(KUBERNETES_PLUGIN)


def test_of_the_command_plugin_it_says_why_there_is_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plugins.command() == "get.pulumi.com cannot be reached"
    program(home / "resource-command-v1.2.1" / "pulumi-resource-command", "#!/usr/bin/env bash\n")
    assert plugins.command() == ""
    assert "cached (the lab's stand-in)" in capsys.readouterr().out


@pytest.mark.parametrize("official", [True, False])
def test_only_the_lab_takes_a_stand_in(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], official: bool
) -> None:
    for module, name in ((get, "engine"), (lab_get, "engine"), (plugins, "kubernetes")):
        monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(plugins, "architecture", lambda: "amd64")
    monkeypatch.setattr(lab_get, "LAB", tmp_path / "lab")
    monkeypatch.setattr(lab_get, "INSTALL", program(tmp_path / "install", f"touch {tmp_path}/stand-in\n"))
    if official:
        program(home / "resource-command-v1.2.1" / "pulumi-resource-command", "\x7fELF")
        get.site()
    else:
        with pytest.raises(ToolError) as refused:
            get.site()
        said, _, fix = str(refused.value).partition(". Fix: ")
        assert said == "plugin [command] get.pulumi.com cannot be reached"
        # `pulumi` is on PATH only after tools/activate, which `make tools && …` has not reached.
        release = f"pulumi-resource-command-v1.2.1-{sys.platform}-amd64.tar.gz"
        assert fix == (
            f"bring https://get.pulumi.com/releases/plugins/{release} here, then: "
            f". tools/activate && pulumi plugin install resource command 1.2.1 --file {release}"
        )
    lab_get.plan()
    assert (tmp_path / "stand-in").exists() is not official
    assert ("the lab's stand-in is used" in capsys.readouterr().out) is not official


# What a fake pulumi does: says where its temporary files go, leaves one as the plugin does, and waits to be ended.
LEAVES = """#!/bin/bash
echo "$TMPDIR $*"
setsid sleep 60 >/dev/null 2>&1 &  # a plugin that outlives it
echo $! > "$0.plugin"
(umask 077; echo key > "$TMPDIR/kubeconfig123")
[ -z "${WAIT:-}" ] || exec sleep 60
exit 7
"""


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`pulumi` as it stands on PATH."""
    monkeypatch.setattr(cache, "TOOLS_BIN", tmp_path / "bin")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp dir"))
    (tmp_path / "tmp dir").mkdir()
    real = program(tmp_path / "it's here" / "pulumi", LEAVES)
    cache.link(real, PULUMI.folder / PULUMI.wrapper)
    yield tmp_path / "bin" / "pulumi"
    # Ended by the wrapper when pulumi ended, a moment later.
    if (plugin := real.with_suffix(".plugin")).exists():
        with suppress(ProcessLookupError):
            os.kill(int(plugin.read_text()), signal.SIGKILL)


def emptied(folder: Path) -> None:
    """Waits until nothing is left there."""
    until = time.monotonic() + 120
    while list(folder.iterdir()):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_pulumi_leaves_no_kubeconfig(pulumi: Path, tmp_path: Path) -> None:
    ran = subprocess.run([pulumi, "up", "two words"], capture_output=True, text=True, check=False)
    assert ran.returncode == 7
    folder, words = ran.stdout.strip().rsplit(" up ", 1)
    assert Path(folder).parent == tmp_path / "tmp dir"
    assert words == "two words"
    emptied(tmp_path / "tmp dir")


@pytest.mark.parametrize("words", [["destroy", "--yes", "--remove"], ["-C", "x", "down", "--remove", "-s", "lab"]])
def test_no_destroy_deletes_the_site_file(pulumi: Path, tmp_path: Path, words: list[str]) -> None:
    ran = subprocess.run([pulumi, *words], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("Fix: pulumi destroy; then pulumi stack rm --preserve-config\n")
    assert not list((tmp_path / "tmp dir").iterdir())
    assert subprocess.run([pulumi, "destroy", "--yes"], capture_output=True, check=False).returncode == 7


@pytest.mark.parametrize("words", [["install"], ["-C", "x", "install", "--reinstall"], ["--color=never", "install"]])
def test_install_by_a_language_host_that_ignores_virtualenv_is_refused(
    pulumi: Path, tmp_path: Path, words: list[str]
) -> None:
    host = tmp_path / "it's here" / "pulumi-language-python"
    program(tmp_path / "built" / "pulumi-language-python", "")
    host.symlink_to(
        tmp_path / "built" / "pulumi-language-python"
    )  # as tools/get.py puts it beside a pulumi that it built
    ran = subprocess.run([pulumi, *words], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("not into .venv. Nothing was done. Fix: make tools\n")
    for other in (["plugin", "install", "resource"], ["-C", "install", "up"], ["config", "set", "a", "install"]):
        assert subprocess.run([pulumi, *other], capture_output=True, check=False).returncode == 7
    host.unlink()
    program(host, "")  # of the official release
    assert subprocess.run([pulumi, *words], capture_output=True, check=False).returncode == 7


def activated(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a new shell that has sourced tools/activate."""
    script = f"set -euo pipefail; . {ROOT}/tools/activate; {' '.join(words)}"
    clean = {"HOME": "/nowhere", "PATH": "/usr/bin:/bin", **env}
    return subprocess.run(["bash", "-c", script], env=clean, capture_output=True, text=True, check=True)


def test_the_activated_shell_keeps_site_files_and_asks_no_server(home: Path) -> None:
    for name in ("kubernetes", "command"):
        program(plugins.program(name), "")
    ran = activated("env", PULUMI_HOME=str(home.parent))
    assert ran.stderr == ""
    for name in ("PRESERVE_CONFIG", "SKIP_UPDATE_CHECK", "IGNORE_AMBIENT_PLUGINS", "DISABLE_AUTOMATIC_PLUGIN"):
        assert re.search(rf"^PULUMI_\w*{name}\w*=true$", ran.stdout, re.M)


def test_the_activated_shell_has_sitectl_as_messages_call_it(home: Path) -> None:
    """A message's fix is `sitectl scan gpu-1`, whatever folder the operator is in."""
    ran = activated("cd /; command -v sitectl", PULUMI_HOME=str(home.parent))
    assert ran.stdout.strip() == str(ROOT / "sitectl")


def test_the_activated_shell_names_plugins_that_pulumi_would_not_find(home: Path) -> None:
    program(plugins.program("kubernetes"), "")
    ran = activated("true", PULUMI_HOME=str(home.parent))
    where = f"{plugins.version('command')} is not in {home}, where"
    assert [line for line in ran.stderr.splitlines() if where in line and "Fix: make tools" in line]
    assert "[kubernetes]" not in ran.stderr


def test_another_users_runtime_folder_is_not_used(pulumi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    ran = subprocess.run([pulumi, "up"], capture_output=True, text=True, check=False)
    assert ran.returncode == 7
    assert Path(ran.stdout.split()[0]).parent == Path("/tmp")  # noqa: S108 - where all else falls back to


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_pulumi_that_is_ended_leaves_none(pulumi: Path, tmp_path: Path, number: int) -> None:
    env = {**os.environ, "WAIT": "1"}
    # A run in the background has SIGINT ignored, and so would all that it starts.
    words = ["env", "--default-signal=INT", str(pulumi)]
    run = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
    folder = Path(run.stdout.readline().strip()) if run.stdout else Path()
    while not list(folder.glob("kubeconfig*")):
        time.sleep(0.02)
    assert folder.stat().st_mode & 0o777 == 0o700
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # Ctrl-C
    else:
        run.send_signal(number)
    run.wait(120)
    emptied(tmp_path / "tmp dir")


def test_the_wrapper_gives_way_to_another_program(pulumi: Path, tmp_path: Path) -> None:
    before = pulumi.stat().st_ino
    cache.link(tmp_path / "it's here" / "pulumi", PULUMI.folder / PULUMI.wrapper)
    assert pulumi.stat().st_ino == before
    cache.link(program(tmp_path / "new" / "pulumi", "#!/bin/sh\necho new\n"), PULUMI.folder / PULUMI.wrapper)
    assert subprocess.run([pulumi], capture_output=True, text=True, check=True).stdout == "new\n"
