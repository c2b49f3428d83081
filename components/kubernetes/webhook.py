"""An admission webhook that is down: the API server then writes no object that it would ask about.

The API server's own words name an address; an operator needs to know whose webhook it is, and what to do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from pulumi import ErrorHook
from pulumi.resource_hooks import ErrorHookArgs

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first
from components.shown import quoted

SCRIPT = Path(__file__).with_name("webhook.sh")
NAME = "webhook"
"""Of the hook. The state keeps it, so no release may change it."""
_FAILED = re.compile(r'failed calling webhook "(?P<name>[^"\s]+)":(?: failed to call webhook:)? (?P<why>[^\n]+)')
_SERVICE = re.compile(r'https://(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc\b[^"\s]*(?:": )?')
_FOREIGN = "x509: "


@dataclass(frozen=True)
class Down:
    """A webhook that did not answer."""

    name: str
    service: str
    namespace: str
    why: str
    """In the API server's words."""


def down(errors: Sequence[str]) -> Down | None:
    """The webhook that one of the errors is about; None for errors of another kind."""
    for error in errors:
        failed = _FAILED.search(error)
        service = failed and _SERVICE.search(failed["why"])
        if failed and service:
            why = failed["why"][service.end() :] or failed["why"]
            return Down(failed["name"], service["service"], service["namespace"], why.strip().rstrip("."))
    return None


def hook(planes: Sequence[Target], say: Callable[[str], None]) -> ErrorHook:
    """Of all objects in the cluster: says whose webhook keeps one from being written, once for each webhook."""
    told: set[str] = set()

    async def run(args: ErrorHookArgs) -> bool:
        found = down(args.errors)
        if found and found.name not in told:
            told.add(found.name)
            say(await explained(planes, args.name, found))
        return False  # do not try again: nothing here mends it

    return ErrorHook(NAME, run)


async def explained(planes: Sequence[Target], resource: str, of: Down) -> str:
    """`host [webhook] …`, from what the first control plane that answers knows of it."""
    words = " ".join(map(quote, (of.name, of.service, of.namespace)))
    try:
        plane, said = await first(planes, f"bash -s -- {words}", SCRIPT.read_bytes())
    except NobodyError as error:
        return error.told(NAME, f"why webhook {of.name} keeps {resource} from being written")
    return judged(plane.name, resource, of, said.splitlines())


def judged(plane: str, resource: str, of: Down, lines: Sequence[str]) -> str:
    """The message, from the lines that webhook.sh printed on that control plane."""
    facts = [line.split() for line in lines]
    whose = next((words[1] for words in facts if words[0] == "release"), f"service {of.service} in {of.namespace}")
    seen, fix = _cause(of, facts)
    text = f"{resource} was not written: Kubernetes asks webhook {of.name} of {whose} first, which does not answer"
    return f"{plane} [{NAME}] {text} ({quoted(of.why)}). {seen}. Fix: {fix}; then pulumi up"


def _cause(of: Down, facts: Sequence[Sequence[str]]) -> tuple[str, str]:
    kubectl = f"kubectl -n {of.namespace}"
    if ["service"] not in [list(words) for words in facts]:
        left = next((f"{words[1]} {words[2]}" for words in facts if words[0] == "config"), "")
        seen = f"There is no service {of.service} in {of.namespace}: what had it is gone and left the webhook behind"
        return seen, f"kubectl delete {left}" if left else "nothing: the webhook is gone by now"
    idle = [words[1] for words in facts if words[0] == "deployment" and words[2] == "0"]
    if idle:
        return f"Its deployment {idle[0]} has 0 replicas", f"{kubectl} scale deployment {idle[0]} --replicas=1"
    pods = [words[1:] for words in facts if words[0] == "pod"]
    behind = [words[1] for words in facts if words[0] == "deployment"]
    if not pods:
        seen = f"No pod is behind service {of.service} in {of.namespace}"
        return seen, f"see why: {kubectl} describe {f'deployment {behind[0]}' if behind else f'service {of.service}'}"
    waiting = [words for words in pods if words[1] != "True"]
    if len(waiting) == len(pods):
        name, _, *states = waiting[0]
        return f"Its pod {name} is not ready ({', '.join(states)})", f"see why: {kubectl} describe pod {name}"
    if _FOREIGN in of.why:
        again = f"deployment {behind[0]}" if behind else f"the workload of pod {pods[0][0]}"
        return "Its pods are ready, but their certificate is not good", f"{kubectl} rollout restart {again}"
    seen = "Its pods are ready, but the API server does not reach them"
    return seen, f"see whether pods of the node answer: sitectl verify; {kubectl} get pods -o wide"
