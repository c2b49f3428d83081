"""Keys of a stack file outside of the site. Pulumi skips them without a word, so what they say would never happen."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from components.problem import Key
from stacks.messages import known_keys, likely
from stacks.model import Site

SITE = "gpu-metal:site"
_NAMESPACE = SITE.partition(":")[0]
_PULUMIS = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")
"""https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/"""

Pairs = Mapping[str, tuple[Node, Node]]


class Outside(NamedTuple):
    """A key in the wrong place, its node, and the message about it."""

    key: Key
    node: Node
    text: str


def outside(top: Pairs, config: Pairs) -> Iterator[Outside]:
    """Every key of the file that nothing reads, and every plain text where only secrets may be."""
    site = config.get(SITE)
    known = known_keys(Site, ()) - {"name"}
    for name, (node, _) in top.items():
        if name in _PULUMIS or (means_site(name) and not config):
            continue
        fix = f"The site belongs at config.{SITE}." if means_site(name) else _inside(name, known, site)
        text = f"Pulumi does not know this key, and nothing reads it. {fix or 'Take it away.'}"
        if likely(name, _PULUMIS) and not fix:
            text = f"Pulumi does not know this key. Did you mean {likely(name, _PULUMIS)}?"
        yield Outside((name,), node, text)
    for name, (node, value) in config.items():
        namespace, _, bare = name.rpartition(":")
        if name == SITE or (namespace and _plain(namespace) != _plain(_NAMESPACE)):
            continue
        if text := _beside(namespace, bare, value, known, site):
            yield Outside(("config", name), node, text)


def means_site(name: str) -> bool:
    """Whether a key is another spelling of that of the site."""
    namespace, _, bare = name.rpartition(":")
    return _plain(bare) == "site" and _plain(namespace) in ("", _plain(_NAMESPACE))


def _beside(namespace: str, bare: str, value: Node, known: set[str], site: tuple[Node, Node] | None) -> str:
    """What is wrong with a key beside the site; empty for a secret under the right name."""
    if means_site(bare):
        if site is None:
            return f"is written {SITE} here."
        return f"is a second site, and only {SITE} is read. Move its keys there."
    if is_secret(value):
        return "" if namespace in ("", _NAMESPACE) else f"is written {_NAMESPACE}:{bare} here."
    if fix := _inside(bare, known, site):
        return f"is beside {SITE}, not in it, and nothing reads it there. {fix}"
    command = f"pulumi config set --secret {bare} < FILE"
    return f"is plain text, but only secrets are allowed beside the site. Fix: {command}"


def _inside(name: str, known: set[str], site: tuple[Node, Node] | None) -> str:
    """How to write a key of the site that stands outside of it; empty if no key of the site was meant."""
    meant = likely(name, known)
    if meant is None:
        return ""
    value = site[1] if site else None
    if not isinstance(value, MappingNode) or value.flow_style or not value.value:
        return f"Write it as {meant} in {SITE}."
    first = value.value[0][0]
    spaces, line = first.start_mark.column, first.start_mark.line + 1
    place = f"with {spaces} spaces before it, like {first.value} in line {line}"
    return f"Write {meant}: {place}, and move the lines below it along."


def is_secret(node: Node) -> bool:
    """Whether it is a value that Pulumi keeps encrypted."""
    if not isinstance(node, MappingNode):
        return False
    return [key.value for key, _ in node.value if isinstance(key, ScalarNode)] == ["secure"] and len(node.value) == 1


def _plain(word: str) -> str:
    return word.replace("-", "").replace("_", "").lower()
