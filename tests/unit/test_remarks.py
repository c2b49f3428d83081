"""A remark of a step that holds is a note: shown as such by sitectl, and no failure."""

import pytest

from components.hostrun.report import Check, Report
from components.hostrun.said import StepSaid
from ops.drift import as_check
from ops.flags import Flags
from ops.render import verdict


def test_a_remark_is_a_note_and_nothing_is_untrue(capsys: pytest.CaptureFixture[str]) -> None:
    said = StepSaid("db-query", "sqream_query", "ok", "SQream accepts the guide's password. Fix: change it in SQream")
    note = as_check("db-1", said)
    assert (note.status, note.fix) == ("note", "change it in SQream")
    assert as_check("db-1", StepSaid("base", "swap_off", "ok", "")) == Check("base/swap_off", "db-1", "ok")
    answer = Report([note])
    assert answer.ok
    verdict(Flags("lab"), answer, "", 1)
    assert capsys.readouterr().out.splitlines() == [
        "! db-1 [db-query/sqream_query] SQream accepts the guide's password. Fix: change it in SQream.",
        "✓ ok: 1 host, 1 check.",
    ]
