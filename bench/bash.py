"""The floor: a bash script a host, over one connection of OpenSSH each, all at once; without checks, state or undo."""

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.ways import login, run
from bench.work import SERVICE, Work
from lab.hosts.inventory import Host

ALL_AT_ONCE = """\
pids=()
for number in {numbers}; do
    bash "login-$number" <"$1" &
    pids+=($!)
done
for pid in "${{pids[@]}}"; do wait "$pid" || exit; done
"""


class Bash:
    """The scripts for one list of hosts, in `folder`."""

    name = "plain bash"

    def __init__(self, hosts: Sequence[Host], folder: Path, work: Work) -> None:
        self.folder, self.work = folder, work
        for number, host in enumerate(hosts):
            words = shlex.join([*login(host), "sudo -n bash -s"])
            (folder / f"login-{number}").write_text(f"exec {words}\n")
        (folder / "all").write_text(ALL_AT_ONCE.format(numbers=" ".join(map(str, range(len(hosts))))))

    def first(self) -> None:
        """Installs, writes, restarts."""
        self._everywhere("first", doing(self.work))

    def again(self) -> None:
        """Asks first: nothing is missing."""
        self.drift()

    def edit(self, work: Work) -> None:
        """The same as the first time: bash does not know what changed."""
        self.work = work
        self._everywhere("edit", doing(work))

    def drift(self) -> None:
        """Asks."""
        self._everywhere("drift", asking(self.work))

    def _everywhere(self, name: str, lines: Sequence[str]) -> None:
        (self.folder / name).write_text("set -euo pipefail\n" + "\n".join(lines) + "\n")
        run(["bash", "all", name], self.folder)


def doing(work: Work) -> list[str]:
    """The commands that do the work."""
    return [
        "export DEBIAN_FRONTEND=noninteractive",
        "apt-get update -q",
        shlex.join(["apt-get", "install", "-qy", "--no-install-recommends", *work.packages]),
        *(line for path in work.files for line in _writing(work, path)),
        "sysctl -q --system",
        f"systemctl restart {SERVICE}",
    ]


def _writing(work: Work, path: str) -> Iterator[str]:
    name, file = shlex.quote(path), work.files[path]
    yield f"mkdir -p {shlex.quote(str(Path(path).parent))}"
    yield f"cat >{name} <<'END'\n{file.text}END"
    yield f"chmod {file.mode} {name}"


def asking(work: Work) -> list[str]:
    """The commands that ask whether the work is done."""
    sums = "\n".join(f"{hashlib.sha256(file.text.encode()).hexdigest()}  {path}" for path, file in work.files.items())
    installed = shlex.join(["dpkg-query", "-W", "-f", "${db:Status-Status}\\n", *work.packages])
    return [
        f"sha256sum --check --quiet <<'END'\n{sums}\nEND",
        f"{installed} | {{ ! grep -qvx installed; }}",
        *(f"[[ $(sysctl -n {key}) == {value} ]]" for key, value in work.sysctl.items()),
        f"systemctl is-active -q {SERVICE}",
    ]
