"""The timer that looks whether nodes have lost GPUs, by its step on an emulated host with systemd.

Does not prove: what the program does to a cluster; tests/plugins/test_gpus_watched.py does.
"""

from pathlib import Path

import pytest

from components.hostrun.step import Step
from tests.scripts.lab_host import LabHost, leaves_no_trace

pytestmark = [pytest.mark.lab, pytest.mark.row("M2")]

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/gpus_watched.sh"


def test_it_holds_twice_is_mended_when_cut_and_leaves_no_trace(spare: LabHost) -> None:
    leaves_no_trace(spare, {"node": [Step(STEP, {}, {"offers": "gpu-1 nvidia.com/gpu 2\n"})]})
