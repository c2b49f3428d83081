"""A folder as a control plane, with gpu-metal-backup and gpu-metal-restore; stand-ins of etcd's programs and of age."""

import os
import re
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).parents[2] / "components/kubernetes/programs"
NAME = os.uname().nodename
CA = ("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=kubernetes")


class Plane:
    """A folder as a control plane."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.share = root / "share"
        for folder in ("bin", "share", "etc/kubernetes/pki", "etc/kubernetes/manifests", "var/lib/kubelet"):
            (root / folder).mkdir(parents=True)
        for name, place in (("common", "lib/gpu-metal-backup/common.sh"), ("backup", "sbin/gpu-metal-backup")):
            self.file(f"usr/local/{place}", self.moved((PROGRAMS / f"{name}.sh").read_text()), 0o755)
        self.file("usr/local/sbin/gpu-metal-restore", self.moved((PROGRAMS / "restore.sh").read_text()), 0o755)
        for name, text in (("folder", f"{self.share}\n"), ("keep", "2\n"), ("recipients", "age1\n")):
            self.file(f"usr/local/lib/gpu-metal-backup/{name}", text)
        self.etcd(
            "etcdctl", 'for f; do :; done; if [[ $* == *save* ]]; then echo data >"$f"; else cat "$0.members"; fi'
        )
        self.etcd("etcdctl.members", "")
        self.etcd("etcdutl", """echo '{"hash":1,"revision":7,"totalKey":3,"totalSize":20480}'""")
        self.program("findmnt", "echo nfs4 nas:/backups")
        self.program("age", 'if [[ $1 == -d ]]; then cat >/dev/null; cat -- "${@: -1}"; else cat; fi')
        self.program("ip", "echo '2: eth0    inet 10.0.0.11/24 brd'")
        self.manifest(
            "etcd", f"--name={NAME}", "--initial-advertise-peer-urls=https://10.0.0.11:2380", f"--data-dir={root}/etcd"
        )
        self.manifest("kube-apiserver", "--secure-port=6443")
        key, authority = root / "etc/kubernetes/pki/ca.key", root / "etc/kubernetes/pki/ca.crt"
        subprocess.run(("openssl", *CA, "-keyout", key, "-out", authority), check=True, capture_output=True)

    def moved(self, text: str) -> str:
        """Every path of the host into the folder, those relative to / too."""
        places = r"(/?)\b(usr/local/|var/lib/(?:gpu-metal-backup|kubelet)|etc/kubernetes)"
        return re.sub(places, rf"\1{str(self.root)[1:]}/\2", text)

    def file(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def program(self, name: str, text: str) -> None:
        self.file(f"bin/{name}", f"#!/bin/bash\n{text}\n", 0o755)

    def etcd(self, name: str, text: str) -> None:
        self.file(
            f"usr/local/lib/gpu-metal-backup/{name}", f"#!/bin/bash\n{text}\n" if "." not in name else text, 0o755
        )

    def manifest(self, name: str, *arguments: str) -> None:
        lines = "".join(f"    - {argument}\n" for argument in arguments)
        self.file(f"etc/kubernetes/manifests/{name}.yaml", f"spec:\n  containers:\n  - command:\n    - {name}\n{lines}")

    def run(self, program: str, *words: str) -> tuple[int, str]:
        path = {"PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        argv = [str(self.root / f"usr/local/sbin/gpu-metal-{program}"), *words]
        done = subprocess.run(argv, env=path, input="key", capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, (done.stdout + done.stderr).replace(str(self.root), "")

    def backup(self) -> Path:
        status, said = self.run("backup")
        assert status == 0, said
        return max(self.share.iterdir())
