"""What a host answers where it cannot answer: the reason and the fix, from what is printed in place of an answer."""

import pytest

from components.hostrun import said
from components.hostrun.ssh import Result
from components.hostrun.target import SshError

NOISY = 'gpu-1 [login] the shell of the user that logs in prints "Welcome" before the answer of each command. Fix: '


@pytest.mark.parametrize(
    ("out", "err", "says"),
    [
        ('Welcome\n{"layers": []}\n', "", NOISY),
        ("", "mktemp: failed to create directory: Read-only file system", "Fix: mount it writable there"),
        ("", "tar: library: Input/output error", "Fix: its disk fails (dmesg and smartctl -a say more)"),
        ("", "tar: write error: No space left on device", "Fix: make room there (df -h and df -i of /run, /tmp and /"),
        ("", "✗ gpu-1 [runner] a part is lost. Fix: sitectl drift --record", "gpu-1 [runner] a part is lost. Fix: "),
        ("", "✗ gpu-1 [lock] held. Fix: wait", "gpu-1 [connection] held. Fix: wait"),
        (
            "",
            "sudo: unable to execute /usr/local/sbin/gpu-metal: Permission denied",
            "may not be run there: findmnt -T /",
        ),
        ("nonsense", "", "gpu-metal gives no answer there: status 1, nonsense. Fix: sitectl drift --record"),
    ],
)
def test_no_answer_is_told_by_its_reason(out: str, err: str, says: str) -> None:
    with pytest.raises(SshError) as caught:
        said.steps("gpu-1", Result(1, out, err))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("out", "err", "says"),
    [
        ("Welcome\n1796030697.404077968\n", "", NOISY),
        ("", "bash: date: command not found", 'gpu-1 [connection] date there says "bash: date: command not found".'),
    ],
)
def test_a_clock_that_is_no_number(out: str, err: str, says: str) -> None:
    assert said.clock("gpu-1", Result(0, "1796030697.5\n", "")) == 1796030697.5
    with pytest.raises(SshError) as caught:
        said.clock("gpu-1", Result(0, out, err))
    assert says in str(caught.value)
