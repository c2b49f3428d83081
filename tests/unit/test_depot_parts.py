"""The lab half of a part is found by its folder. Does not prove: that the depot serves it; see tests/parts/*/lab."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab.parts
from lab.depot import charts, debian, debs, images, parts

DEPOT = """\
from pathlib import Path

from lab.depot.deb import Deb
from lab.depot.parts import Supply

FILE = Path(__file__).with_name("notes.txt")


def publish(site: Path) -> bool:
    (site / "served").write_text("by the example")
    return True


SUPPLY = Supply(
    publish,
    "the example's notes published",
    charts=lambda: [FILE.with_name("brought")],
    debs=lambda: [Deb("example", "1.0-1", "An example", {"usr/share/example": (FILE, 0o644)})],
    images=lambda: {"made-up/notes:1.0": ({"notes": FILE}, ["/notes"])},
    sources=lambda: [FILE],
    keys=(),
)
"""


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A made-up part beside those that are there."""
    folder = tmp_path / "made_up"
    folder.mkdir()
    (folder / "depot.py").write_text(DEPOT)
    (folder / "notes.txt").write_text("first\n")
    (folder / "charts" / "notes").mkdir(parents=True)
    (folder / "debian.txt").write_text("example-from-debian\n")
    monkeypatch.setattr(lab.parts, "__path__", [*lab.parts.__path__, str(tmp_path)])
    monkeypatch.setattr(parts, "FOLDER", tmp_path)
    yield folder
    for module in ("lab.parts.made_up.depot", "lab.parts.made_up"):
        sys.modules.pop(module, None)


def test_a_part_brings_files_packages_and_what_it_needs(example: Path, tmp_path: Path) -> None:  # noqa: ARG001
    [supply] = parts.supplies()
    assert supply.publish
    assert supply.publish(tmp_path)
    assert (tmp_path / "served").read_text() == "by the example"
    assert [deb.name for deb in supply.debs()] == ["example"]


def test_until_its_tools_are_built_the_depot_does_without_it(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = example / "tool-1.0"
    monkeypatch.setattr(parts, "TOOLS", example)
    depot = example / "depot.py"
    depot.write_text(depot.read_text().replace("keys=()", "keys=('tool-1.0',)"))
    assert (parts.supplies(), parts.without()) == ([], ["made_up"])
    assert "made-up/notes:1.0" not in parts.images()
    tool.mkdir()
    assert (len(parts.supplies()), parts.without()) == (1, [])


def test_its_packages_and_images_are_made_anew_when_their_files_change(example: Path) -> None:
    before = debs.key(), images.key()
    (example / "notes.txt").write_text("second\n")
    assert not {*before} & {debs.key(), images.key()}


def test_its_images_are_made_of_its_own_files(example: Path) -> None:
    assert images.content("made-up/notes:1.0") == ({"notes": example / "notes.txt"}, ["/notes"])


def test_its_charts_join_the_depots_own(example: Path) -> None:
    assert example / "charts" / "notes" in charts.sources()
    assert example / "brought" in charts.sources()
    assert charts.HERE / "smoke" in charts.sources()


def test_its_names_of_debian_join_the_common_ones(example: Path) -> None:  # noqa: ARG001
    assert "example-from-debian" in debian.asked()
    assert "containerd" in debian.asked()
