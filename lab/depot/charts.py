"""The chart repository: the charts in the folder beside this file, packaged."""

import hashlib
import shutil
from pathlib import Path

from lab.hosts.command import run
from lab.paths import TOOLS_BIN

HERE = Path(__file__).parent / "charts"


def publish(site: Path) -> bool:
    """Makes site/charts the repository of the present charts; False when it is that already. Raises LabError."""
    target = site / "charts"
    stamp = target / ".of"
    of = _digest()
    if stamp.exists() and stamp.read_text() == of:
        return False
    helm = str(TOOLS_BIN / "helm")
    new = site / ".charts"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for chart in sorted(HERE.iterdir()):
        run(helm, "package", str(chart), "--destination", str(new))
    run(helm, "repo", "index", str(new))
    (new / ".of").write_text(of)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return True


def _digest() -> str:
    content = hashlib.sha256()
    for file in sorted(HERE.rglob("*")):
        if file.is_file():
            content.update(str(file.relative_to(HERE)).encode() + file.read_bytes())
    return content.hexdigest()
