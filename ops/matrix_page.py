"""The table "What fits together", from every compatibility.yaml (stacks/compatibility.py)."""

import re
from collections.abc import Callable, Iterator, Sequence

from components.matrix import REST, Row, Source, read, worded
from stacks.compatibility import PROGRAM, files

_NONE = "–"

Line = Sequence[str]
Table = Callable[[Line, Iterator[Line]], str]

PAGE = """\
`sitectl validate` holds each site against these facts. A pair that fails is refused, with what fits; a pair of which
nothing is known is refused too, unless the site says `allowUntested: true`, which makes it a note. What the site does
not name, such as the system of a host, is seen by `sitectl preflight`.

The facts are in the files `compatibility.yaml`: of the [systems](../../stacks/compatibility.yaml),
[Kubernetes](../../components/kubernetes/compatibility.yaml), [GPUs](../../components/gpu/compatibility.yaml) and of
each part in its folder. They also have, for each row, what its source says."""

README = """\
`sitectl validate` refuses versions that are known not to fit; those of which nothing is known as well, unless the site
says `allowUntested: true`. What fails, what each system brings, and the sources are in
[docs/reference/compatibility.md](docs/reference/compatibility.md)."""


def page(table: Table) -> str:
    """The pairs with their sources, and what each system brings."""
    pairs = ([judged, given, fits, fails, _links(sources)] for judged, given, fits, fails, sources in _pairs())
    systems = table(["system", "kernel", "cgroup", "its own containerd", "from"], _systems())
    pages = [PAGE, "## Pairs", table(["of", "with", "fits", "fails", "from"], pairs), "## Systems", systems]
    return "\n\n".join(pages) + "\n"


def short(table: Table) -> str:
    """For README: the pairs of which it is known what fits."""
    known = ([judged, given, fits] for judged, given, fits, _, _ in _pairs() if fits != _NONE)
    return f"{README}\n\n{table(['of', 'with', 'what fits'], known)}\n"


def _pairs() -> Iterator[tuple[str, str, str, str, list[Source]]]:
    """For each pair of things: their names, what fits, what fails, the sources."""
    found: dict[tuple[str, str], list[tuple[Row, Source]]] = {}
    for file in files():
        facts = read(file)
        for row in facts.rows:
            found.setdefault(row.pair, []).append((row, facts.sources[row.source]))
    # What is known at all comes first.
    for (judged, given), rows in sorted(found.items(), key=lambda item: item[0][1] != PROGRAM.name):
        fits = " · ".join(_said(row, row.fits) for row, _ in rows if row.fits)
        fails = " · ".join(_said(row, row.fails) for row, _ in rows if row.fails and row.fails != REST)
        if any(row.fails == REST for row, _ in rows):
            fails = f"all else{f', and {fails}' if fails else ''}"
        yield judged, given, fits or _NONE, fails or _NONE, [source for _, source in rows]


def _said(row: Row, ranges: str) -> str:
    given = next(iter(row.given.values()))
    return worded(ranges) if given == "any" else f"{worded(given)}: {worded(ranges)}"


def _systems() -> Iterator[Line]:
    for file in files():
        facts = read(file)
        for fact in facts.facts:
            brought = (fact.has.get(name, _NONE) for name in ("kernel", "cgroup", "containerd"))
            yield ", ".join(fact.of), *brought, _links([facts.sources[fact.source]])


def _links(sources: Sequence[Source]) -> str:
    """Each source once; a page of ours from the page that the table is on."""
    links = (f"[{each.name}]({re.sub('^docs/', '../', each.url)})" for each in sources)
    return ", ".join(dict.fromkeys(links))
