"""What `sitectl verify` asks about Rancher. Does not prove: that Rancher answers so; the lab's story does."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.parts.part import Question
from ops import questions
from tests.parts.rancher.sites import site_of

pytestmark = pytest.mark.row("T5")


def put(question: Question, folder: Path, **programs: str) -> Check:
    """The answer to a question on a machine with these programs."""
    for name, text in {"sleep": "true", **programs}.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)

    async def bash(words: str, script: bytes) -> Result:
        command = ["bash", "-c", f"PATH={folder}:$PATH bash -s -- {words}"]
        done = subprocess.run(command, input=script, capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return asyncio.run(questions.ask("cp-1", "rancher", question, bash))


def asked(folder: Path) -> dict[str, Question]:
    return {each.id: each for name, each in questions.of(site_of(folder)) if name == "rancher"}


def test_it_answers_under_its_name_at_the_ingress(tmp_path: Path) -> None:
    question, authority = asked(tmp_path)["answers"], "[[ $* == *tls-ca* ]] && base64 <<<authority"
    curl = '[[ $* == *"--cacert"* && $* == *":443:10.0.0.200:443 "* ]] && [[ $(cat "${@: -2:1}") == authority ]]'
    fine = put(question, tmp_path, kubectl=authority, curl=f"{curl} && printf pong")
    assert (fine.status, fine.saw) == ("ok", "https://rancher.lps.example.org answers")
    dark = put(question, tmp_path, kubectl="true", curl="echo 'curl: (7) refused' >&2; exit 7")
    assert dark.saw == "https://rancher.lps.example.org/ping at port 443 of 10.0.0.200 says: curl: (7) refused."


def test_namespaces_are_in_their_projects_with_a_quota_that_holds(tmp_path: Path) -> None:
    question = asked(tmp_path)["projects"]
    assert question.words == ("vision=p-vision",)
    label = "[[ $* == *get\\ namespaces* ]] && exit; [[ $* == *labels* ]] && printf p-vision"
    assert put(question, tmp_path, kubectl=f"{label} || true").status == "ok"
    lost = put(question, tmp_path, kubectl="true")
    assert lost.saw == "namespace vision is in Rancher's project none, not in p-vision."
    status = '{"Conditions":[{"type":"ResourceQuotaValidated","status":"False","message":"x"}]}'
    over = put(question, tmp_path, kubectl=f"{label} || printf %s '{status}'")
    assert over.saw.startswith("Rancher does not take the quota of namespace vision: with the other namespaces")


def test_namespaces_that_people_made_without_a_pod_security_level_are_named(tmp_path: Path) -> None:
    question = asked(tmp_path)["projects"]
    asks = "field.cattle.io/projectId in (p-vision),!pod-security.kubernetes.io/enforce"
    bare = (
        f'[[ $* == *"-l {asks}"* ]] && {{ printf "hers of p-vision\\ntheirs of p-vision\\n"; exit; }}; printf p-vision'
    )
    found = put(question, tmp_path, kubectl=f"[[ $* == *annotations* ]] && exit; {bare}")
    assert (found.status, found.saw) == (
        "failed",
        "hers of p-vision, theirs of p-vision were made in Rancher and enforce no Pod Security level: who makes a "
        "privileged pod there is root on its node.",
    )
    assert found.fix == "kubectl label namespace hers pod-security.kubernetes.io/enforce=baseline"
