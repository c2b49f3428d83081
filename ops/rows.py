"""docs/rows.md: each row of the requirements, the code that implements it, and the tests that prove it.

Only titles are written by hand: here, and a part's in its rows.toml. Keys come from the models' docstrings
(`(H4)`), steps from their `# rows:` line, modules from `Rows: H1` in their docstring, tests from
`@pytest.mark.row("H4")`.
"""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

TITLES = {
    "H1": "Inventory: addresses, logins, keys, bastions, groups and variables of hosts",
    "H2": "Interfaces by their use, and data disks",
    "H3": "Debian, Ubuntu and the RHEL family; x86_64 and ppc64le",
    "H4": "Local users and groups, with sudo only where wanted",
    "H5": "Locale and time zone",
    "H6": "Package sources with keys of their own, and local mirrors",
    "H7": "Packages, pinned and held",
    "H8": "Time servers of the site, and a clock that follows them",
    "H9": "tuned profile and default target",
    "H10": "Limits and kernel settings as drop-ins",
    "H11": "Unwanted services off",
    "H12": "Swap off, now and after a reboot",
    "H13": "Kernel modules, kernel version and a controlled reboot",
    "H14": "Proxies in every consumer, and a transparent SOCKS proxy",
    "H15": "Name servers, and every host known by name",
    "H16": "Preflight: one report before anything is changed",
    "H17": "Firewall with exactly the ports of the layers in use; SELinux",
    "H18": "Hosts told apart: name, machine-id, host key; clock skew and MTU measured",
    "H19": "Control groups and kernel as Kubernetes needs them",
    "H20": "Power limit, clocks and persistence of GPUs; advice on the BIOS",
    "G1": "GPUs on the PCI bus compared with those declared",
    "G2": "nouveau gone, also from the initramfs",
    "G3": "Driver from packages or a runfile, pinned",
    "G4": "nvidia-persistenced runs",
    "G5": "ppc64le: the udev rule of memory hot-plug overridden",
    "G6": "nvidia-smi read back and compared with the site",
    "G7": "NVIDIA's container toolkit",
    "G8": "Running GPU work is not harmed by a second run",
    "G9": "Open or proprietary module by generation; fabric manager of the driver's version",
    "C1": "Container engine at a version, enabled and running; its users",
    "C2": "Engine settings merged, never clobbered",
    "C3": "Private registry: run, filled from archives, cleaned up",
    "C4": "A container runs, as the user who will use it",
    "C5": "One owner of the runtime's configuration: drop-ins",
    "K1": "kubeadm, kubelet and kubectl at one version, held",
    "K2": "Control plane: subnets, version, names in its certificate, one endpoint",
    "K3": "Arguments, files and names of the API server, also on a running cluster",
    "K4": "Pod network tied to the pod subnet",
    "K5": "Joins with a token of minutes, made when needed",
    "K6": "Admin kubeconfig as a secret",
    "K7": "Roles, labels and taints of nodes",
    "K8": "Nodes that leave, also dead ones",
    "K9": "Kubernetes upgraded by its version in the site, node by node, resumable; jumps and ways back refused",
    "K10": "Nodes and DNS verified",
    "K11": "The cluster backed up off its hosts, encrypted, and restored",
    "K12": "Certificates: their end shown, renewed before it; kubelets' own approved for the site's hosts only",
    "K13": "One address for several control planes: it moves between them, or leads to a load balancer of your own",
    "K14": "Secrets encrypted in etcd, with other keys from time to time; the CIS benchmark by a profile",
    "K15": "A dead first control plane is no end; snapshots by a timer, with retention",
    "K16": "How an upgrade goes: workers at a time, limits for drains and for jobs, a window",
    "M3": "One verdict on hosts, nodes, GPUs, projects and parts",
    "N1": "Nauta's inventory and configuration become a site: each variable with its meaning and default",
    "N2": "The platform alone, and services that are added, upgraded and taken out by entries of their own",
    "N3": "The cluster's services around Nauta: shares, logs, dashboard, DNS, beside ingress and storage",
    "N4": "Nauta's settings: domains, subnets, name servers, proxies, logs, audit, certificate names",
    "N5": "Kubeconfigs of administrators: the cluster's own, and one for each person, which ends",
    "N6": "Users: made, listed with the days of their project and of their last job, taken out and purged",
    "N7": "Systems, package sources and kernel are judged before anything is installed",
    "N8": "Checks with a fix: silent name servers, evicted and stuck pods, endless jobs, a registry that grows",
    "R13": "What GPUs do now, on all hosts: figures, users, pods",
    "S4": "Projects: a namespace, a quota, and roles for their members",
    "S5": "Projects and users that leave the site keep their data; a namespace that is still being deleted is refused",
    "S6": "Accounts for users on front ends",
    "X1": "One file a site, refused with the key and the fix",
    "X2": "Secrets never in logs, command lines or readable files",
    "X3": "Policies that stop a bad site",
    "X4": "Preview without hosts, resumable runs, drift shown",
    "X5": "State in a team's backend",
    "X7": "Combinations that do not work are refused",
    "X9": "Two runs never change one host at once",
    "X12": "A first site from the files of Nauta, Kubespray or k0sctl",
    "X14": "Users and projects, each written once",
    "X15": "What leaves the site is a diff, and safe on a dead host",
    "X17": "JSON Schema for editors",
    "X18": "Thousands of hosts: cost grows in proportion",
    "X19": "Progress shown; stopped and taken up again",
    "X20": "What an upgrade would do: nodes in order, versions, running jobs, and what is forbidden",
    "X22": "Objects changed or deleted in the cluster are named, and mended by the next up",
}
"""Row → what it asks for. Rows of work to come are not listed, nor those of parts: see of_parts."""

WHOLE = ("H", "G", "C")
"""Groups of which every row must be in the product and proven, as must every row of a part."""

_ID = r"[A-Z]{1,2}\d+"
_IN_TEXT = re.compile(rf"\(({_ID}(?:, {_ID})*)\)")
_IN_STEP = re.compile(rf"^# rows: ({_ID}(?: {_ID})*)$", re.M)
_IN_MODULE = re.compile(rf"^Rows: ({_ID}(?:, {_ID})*)\.?$", re.M)


@dataclass
class Places:
    """Where one row is: keys of the site, files relative to the root, tests as (file, name)."""

    keys: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    tests: list[tuple[Path, str]] = field(default_factory=list)


def of_parts(root: Path) -> dict[str, str]:
    """Rows that parts cover, with their titles: `[rows]` in components/*/PART/rows.toml.

    Raises ValueError for a row with two titles.
    """
    found: dict[str, str] = {}
    for file in sorted((root / "components").glob("*/*/rows.toml")):
        own = tomllib.loads(file.read_text())["rows"]
        if twice := own.keys() & (found.keys() | TITLES.keys()):
            raise ValueError(f"{file}: {', '.join(sorted(twice))} stands elsewhere too")
        found |= own
    return found


def titles(root: Path) -> dict[str, str]:
    """Every row with its title: groups as they first appear, each in the order of its numbers."""
    found = TITLES | of_parts(root)
    groups = list(dict.fromkeys(row.rstrip("0123456789") for row in found))

    def place(row: str) -> tuple[int, int]:
        group = row.rstrip("0123456789")
        return groups.index(group), int(row.removeprefix(group))

    return {row: found[row] for row in sorted(found, key=place)}


def whole(root: Path) -> list[str]:
    """Rows that must be in the product and proven."""
    parts = of_parts(root)
    return [row for row in titles(root) if row.startswith(WHOLE) or row in parts]


def places(root: Path, keys: Mapping[str, str]) -> dict[str, Places]:
    """Row → its places, also of ids that are no row. `keys`: key of the site → what its docstring says."""
    found: dict[str, Places] = defaultdict(Places)
    for key, text in keys.items():
        for match in _IN_TEXT.finditer(text):
            for row in match[1].split(", "):
                found[row].keys.append(key)
    for file, row in _files(root):
        found[row].files.append(file)
    for file in sorted((root / "tests").rglob("test_*.py")):
        if file.is_relative_to(root / "tests" / "example"):  # the made-up part: its rows are none of ours
            continue
        for name, row in marked(file.read_text()):
            found[row].tests.append((file.relative_to(root), name))
    return dict(found)


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    for step in sorted((root / "components").glob("**/steps/*.sh")):
        for match in _IN_STEP.finditer(step.read_text()):
            yield from ((step.relative_to(root), row) for row in match[1].split())
    for top in ("components", "stacks", "ops", "policy"):
        for module in sorted((root / top).rglob("*.py")):
            text = ast.get_docstring(ast.parse(module.read_text())) or ""
            for match in _IN_MODULE.finditer(text):
                yield from ((module.relative_to(root), row) for row in match[1].split(", "))


def marked(source: str) -> Iterator[tuple[str, str]]:
    """(test, row) of a test file: only functions that pytest collects, with the marks of their class and module."""
    module = ast.parse(source)
    everywhere = [
        row
        for node in module.body
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets)
        for row in _rows(node.value)
    ]
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            of_class = [row for mark in node.decorator_list for row in _rows(mark)]
            yield from _of_functions(node.body, [*everywhere, *of_class])
    yield from _of_functions(module.body, everywhere)


def _of_functions(body: list[ast.stmt], rows: list[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            own = [row for mark in node.decorator_list for row in _rows(mark)]
            yield from ((node.name, row) for row in dict.fromkeys([*rows, *own]))


def _rows(mark: ast.expr) -> Iterator[str]:
    """The rows of every `pytest.mark.row(…)` in an expression."""
    for node in ast.walk(mark):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
            yield from (str(word.value) for word in node.args if isinstance(word, ast.Constant))


def page(root: Path, keys: Mapping[str, str], note: str) -> str:
    """docs/rows.md."""
    found = places(root, keys)
    needed = whole(root)
    parts = ["# Rows", note, INTRODUCTION]
    for row, title in titles(root).items():
        of = found.get(row, Places())
        if of != Places() or row in needed:
            parts.append(f"## {row}\n\n{title}.\n\n{_lines(of)}")
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
What the project's requirements ask for, row by row: the keys of the site that say it, the code that does it, and the
tests that prove it. A test compares this page with the code, so it cannot lie; what a test does not prove stands at the
head of its file."""


def _lines(of: Places) -> str:
    files = [f"[`{_short(file)}`](../{file})" for file in of.files]
    tests: dict[Path, list[str]] = defaultdict(list)
    for file, name in of.tests:
        tests[file].append(f"`{name}`")
    proofs = [f"[{file.name}](../{file}): {', '.join(names)}" for file, names in tests.items()]
    lines = [
        f"- keys: {', '.join(f'`{key}`' for key in of.keys) or '–'}",
        f"- code: {', '.join(files) or '–'}",
        *(f"- test: {proof}" for proof in proofs or ["–"]),
    ]
    return "\n".join(lines)


def _short(file: Path) -> str:
    """`host/swap_off` for a step, the path for a module."""
    return f"{file.parts[-3]}/{file.stem}" if file.suffix == ".sh" else str(file)


def untrue(root: Path, found: Mapping[str, Places]) -> list[str]:
    """The page's gaps: unknown row ids, rows without a place, rows without a test."""
    known = titles(root)
    lines = [f"{row}: no such row, named by {_named_by(of)}" for row, of in found.items() if row not in known]
    for row in whole(root):
        of = found.get(row, Places())
        lines += [f"{row}: no step and no module has it"] if not of.files else []
        lines += [f"{row}: no test proves it"] if not of.tests else []
    return lines


def _named_by(of: Places) -> str:
    return ", ".join([*of.keys, *map(str, of.files), *(f"{file}::{name}" for file, name in of.tests)])


def said(models: Mapping[str, Any], paths: list[tuple[str, str]], settings: set[str]) -> dict[str, str]:
    """Key of the site → its description; a model's own stands with the key that holds it.

    `paths`: where each model stands. `settings`: keys that stand at every level, listed once.
    """
    found = {}
    for path, name in paths:
        if path:
            found[path] = models[name].get("description", "")
        for key, node in models[name]["properties"].items():
            if name != "Host" or key not in settings:
                found.setdefault(f"{path}.{key}".lstrip("."), node.get("description", ""))
    return found
