"""What the site's parts ask on a control plane, besides whether their workloads are available."""

import shlex
from collections.abc import Awaitable, Callable, Iterator

from components.hostrun.report import Check, said
from components.hostrun.ssh import Result
from components.parts.part import Question
from stacks.ground import ground
from stacks.model import Site

Bash = Callable[[str, bytes], Awaitable[Result]]
"""Runs a script with words, as root."""

_FIRST = """\
set -euo pipefail
shopt -s inherit_errexit
kubectl() { GOGC=400 command kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s "$@"; }
untrue() { printf '%s\\n' "$*" && exit 1; }
remark() { printf 'remark: %s\\n' "$*"; }
"""
_UNTRUE, _REMARK = 1, "remark: "


def of(site: Site) -> Iterator[tuple[str, Question]]:
    """Each question, with the name of the entry that brings it."""
    known = ground(site)
    for entry in site.entries:
        if half := entry.part.cluster:
            yield from ((entry.name, question) for question in half.questions(entry.config, known))


async def ask(where: str, name: str, question: Question, bash: Bash) -> Check:
    """The answer of the control plane `where`."""
    id_ = f"{name}/{question.id}"
    answer = await bash(shlex.join(question.words), _FIRST.encode() + question.script.read_bytes())
    text = answer.stdout.strip()
    if answer.status == _UNTRUE and text:
        return said(id_, where, "failed", text)
    if answer.status:
        last = (answer.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return Check(id_, where, "unknown", f"could not be asked: {last[:300]}")
    if text.startswith(_REMARK):
        return said(id_, where, "note", text.removeprefix(_REMARK))
    return Check(id_, where, "ok", text)
