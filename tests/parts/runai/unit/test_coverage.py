"""coverage.md of Run:ai names resources of the sample's plan, beside what tests/unit/test_coverage.py looks at."""

import re
from pathlib import Path

from tests.samples import ROOT
from tests.unit.test_golden import planned

PAGE = ROOT / "docs/parts/runai/coverage.md"


def test_each_resource_that_the_page_names_is_in_the_samples_plan(tmp_path: Path) -> None:
    said = re.findall(r"[Rr]esources? ((?:`[a-z0-9-]+`(?:, | and |,\s)?)+)", re.sub(r"\s+", " ", PAGE.read_text()))
    named = {name for each in said for name in re.findall(r"`([a-z0-9-]+)`", each)}
    assert len(named) > 8
    assert named - {each.name for each in planned("runai", tmp_path).resources.values()} == set()
