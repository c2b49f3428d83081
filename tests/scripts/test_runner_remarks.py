"""What a step says of a host on which it holds: shown, and no fault."""

import json
import os

from tests.scripts.runner_host import Host

REMARKED = """\
# The file is there, and says what people should know.
check() {
    if [[ ! -e $(input path) ]]; then untrue "no file"; fi
    remark "first: $(input path) is there"
    remark "its text is old. Fix: write a new one"
}
apply() { mkdir -p "$(dirname "$(input path)")" && touch "$(input path)"; }
"""


def test_a_remark_of_a_step_that_holds_is_shown_and_is_no_fault(host: Host) -> None:
    step = [host.step("remarked", REMARKED), f"path={host.path('a')}"]
    line = f"! {os.uname().nodename} [remarked] its text is old. Fix: write a new one\n"
    for what in ("changed", "unchanged"):
        said = host.apply("base", step).stderr
        assert f"remarked {what}" in said
        assert said.endswith(line)
    answer = host.run("check", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["layers"][0]["steps"] == [
        {"step": "remarked", "status": "ok", "says": "its text is old. Fix: write a new one"}
    ]
