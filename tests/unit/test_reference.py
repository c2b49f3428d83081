"""Docs: generated pages are current, links lead somewhere, site files in them are good. Commands are not run here."""

import re
import shutil
from pathlib import Path

import pytest

from ops.reference import BEGIN, END, ROOT, pages, sitectl
from stacks.load import load_site

DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
WITH_SITES = ("README.md", "docs/sites.md", "docs/how-to/prepare-hosts.md")
KNOWN_HOSTS = ROOT / "tests" / "sites" / "known_hosts"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What `#…` may name on a page: its headings as GitHub spells them, and its own <a id>."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def test_generated_pages_are_current() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{name(path)}: run make schema"


def test_relative_links_resolve() -> None:
    assert [f"{name(page)}: {link}" for page in DOCS for link in LINK.findall(prose(page)) if broken(page, link)] == []


def broken(page: Path, link: str) -> bool:
    """Whether the link leads to no file or heading of ours."""
    if "://" in link:
        return False
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", [ROOT / page for page in WITH_SITES], ids=name)
def test_site_files_in_pages_are_good(page: Path, tmp_path: Path) -> None:
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL) if "config:\n" in block]
    assert blocks
    shutil.copy(KNOWN_HOSTS, tmp_path / "known_hosts.lab")
    for block in blocks:
        (tmp_path / "Pulumi.lab.yaml").write_text(block)
        assert load_site("lab", tmp_path).hosts.keys() >= {"gpu-1"}


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in (ROOT / "docs" / "sites.md").read_text().splitlines() if line.startswith("| `")]
    assert rows
    assert [row for row in rows if not row.removesuffix("|").rpartition("|")[2].strip()] == []


def test_readme_is_short() -> None:
    own, _, rest = (ROOT / "README.md").read_text().partition("## What fits together\n\n" + BEGIN)
    assert len((own + rest.partition(END)[2].lstrip("\n")).splitlines()) <= 150


def test_make_targets_in_readme_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named >= {"up", "test", "down"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.M))


def test_rooms_in_readme_are_there() -> None:
    rooms = re.findall(r"^\| `([\w./]+)/` \|", (ROOT / "README.md").read_text(), re.M)
    assert rooms
    assert not [room for room in rooms if not (ROOT / room).is_dir()]


def test_every_step_is_said_in_a_sentence() -> None:
    text = (ROOT / "docs" / "reference" / "checks.md").read_text()
    for file in (ROOT / "components").glob("**/steps/*.sh"):
        assert re.search(rf'^\| <a id="{file.stem}"></a>`{file.stem}` \| \S.+\. \| (yes|no|check only) \|$', text, re.M)


def test_a_word_that_can_be_left_out_is_shown_as_such() -> None:
    lines = sitectl().splitlines()
    for usage in (
        "preflight [HOST…] [--only",
        "explain [KEY] [FLAG…]",
        "adopt HOST… [FLAG…]",
        "init NAME HOST=ADDRESS… [",
    ):
        assert [line for line in lines if line.startswith(f"    sitectl {usage}")], usage
