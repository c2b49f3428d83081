"""Run:ai has no line in components/registry.py yet: its tests that need a site with it wait for that line."""

from components.registry import REGISTERED

_NEED_A_SITE = ("component", "coverage", "people", "preflight", "values")
collect_ignore = (
    [] if "runai" in {each.kind for each in REGISTERED} else ["lab", *(f"unit/test_{name}.py" for name in _NEED_A_SITE)]
)
