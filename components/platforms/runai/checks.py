"""What must hold of Run:ai in its site. Pure, but for the certificates' files; each problem names key and fix."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from components.certificates import broken_at, fits, lone, names
from components.local import certificates
from components.parts import chart
from components.parts.part import Ground
from components.platforms.runai import checks_people, jump_box, kubeflow, package, places, tracking, values, versions
from components.platforms.runai.checks_cluster import CLUSTER
from components.platforms.runai.config import Runai
from components.problem import Key, Problem
from components.shown import quoted

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def domain(config: Runai, ground: Ground) -> Iterator[Problem]:
    """There is a domain, under which its names are."""
    if not places.domain(config, ground):
        yield Problem((), "needs the name at which it answers. Write domain: NAME here, or at the top of the site.")


def covers(config: Runai, ground: Ground) -> Iterator[Problem]:
    """The certificate is for the domain and each name below it; that of inference for each name below its own."""
    own = places.domain(config, ground)
    wanted: list[tuple[Key, Path, list[str]]] = []
    if own:
        wanted.append((("certificate",), config.certificate, [own, f"*.{own}"]))
    if config.inference:
        wanted.append((("inference", "certificate"), config.inference.certificate, [f"*.{config.inference.domain}"]))
    for key, path, each in wanted:
        if (found := _chain(path)) and (lacking := [name for name in each if not _has(names(found[0]), name)]):
            said = ", ".join(map(quoted, names(found[0]))) or "no name"
            text = f"{quoted(path.name)} is for {said}, and Run:ai needs {' and '.join(lacking)}"
            yield Problem(key, f"{text}. Get one certificate for {' and '.join(each)}.")


def _has(own: list[str], wanted: str) -> bool:
    """Whether a name is covered; a wildcard by itself only."""
    return any(each.lower() == wanted.lower() if wanted.startswith("*.") else fits(each, wanted) for each in own)


def in_order(config: Runai, _: Ground) -> Iterator[Problem]:
    """Each certificate of a file is issued by the one after it, and that of an own authority by this."""
    files: list[tuple[Key, Path]] = [(("certificate",), config.certificate)]
    if config.inference:
        files.append((("inference", "certificate"), config.inference.certificate))
    for key, path in files:
        if whose := broken_at(_chain(path)):
            text = f"in {quoted(path.name)}, the certificate after that of {quoted(whose)} did not issue it"
            fix = "Put the site's own certificate first, then its issuer's, then that one's issuer's."
            yield Problem(key, f"{text}. {fix}")
    found = _chain(config.certificate)
    if config.authority and found and not broken_at(found) and broken_at([found[-1], *_chain(config.authority)[:1]]):
        last = quoted(found[-1].subject.rfc4514_string())
        if found[-1].issuer != found[-1].subject:
            text = f"{quoted(config.authority.name)} did not sign {last}, the last of {quoted(config.certificate.name)}"
            yield Problem(("authority",), f"{text}. Write the authority that did.")


def login(config: Runai, _: Ground) -> Iterator[Problem]:
    """A registry that wants a login has both halves of it; charts behind one are at hand."""
    of = config.registry
    if of and (of.username is None) != (of.password_secret is None):
        given, lacking = ("username", "passwordSecret") if of.username else ("passwordSecret", "username")
        yield Problem(("registry", lacking), f"is missing, and {given} is there. Write both, or none.")
    if config.supported and not (of and of.password_secret):
        text = "needs a login for its images. Write registry: {images: nvcr.io/nvidia/runai, username: $oauthtoken"
        yield Problem(("supported",), f"{text}, passwordSecret: NAME}}, or a registry that has them.")


def charts(config: Runai, _: Ground) -> Iterator[Problem]:
    """Charts that the open repository lacks are named, and `values` has none that other keys decide."""
    for key, release in (("controlPlane", config.control_plane), ("cluster", config.cluster)):
        named = release.repository or (release.chart and "/" in release.chart) or package.from_package(config, release)
        if not named and (config.supported or not versions.at_least(config.version, "3.0")):
            what = "the Support-Entitled release" if config.supported else f"Run:ai {config.version}"
            text = f"{versions.OPEN} does not have {what}. Get the chart with your login (helm pull), and write"
            yield Problem((key, "chart"), f"{text} its file here, such as artefacts/CHART-{config.version}.tgz.")


def open_values(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    ours = chart.merged(values.control_plane(config, ground), values.PASSWORD)
    for problem in chart.decided(config.control_plane.values, ours, values.CONTROL_PLANE_BY):
        yield Problem(("controlPlane", *problem.key), problem.text)
    ours = chart.merged(values.cluster(config, ground), values.CREDENTIAL)
    for problem in chart.decided(config.cluster.values, ours, values.CLUSTER_BY):
        yield Problem(("cluster", *problem.key), problem.text)


CHECKS: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (
    domain,
    covers,
    in_order,
    login,
    charts,
    package.check,
    open_values,
    *CLUSTER,
    *checks_people.CHECKS,
    *kubeflow.CHECKS,
    *jump_box.CHECKS,
    *tracking.CHECKS,
)


def checks(config: Runai, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def _chain(path: Path) -> "list[Certificate]":
    """The certificates of a file; none where it cannot be read, which its own type reports."""
    try:
        return certificates(path.read_text())
    except (OSError, ValueError):
        return []


def certificate_notes(config: Runai) -> Iterator[Problem]:
    """What is allowed of certificates and yet worth a line."""
    found = _chain(config.certificate)
    if found and lone(found) and not config.authority:
        issuer = quoted(found[0].issuer.rfc4514_string())
        text = f"has no certificate of its issuer {issuer}: pods of Run:ai that do not know that one itself refuse it."
        yield Problem(("certificate",), f"{text} Add it to the file, or write authority: FILE if it is your own.")
