"""A chart that makes one ConfigMap, and on demand a Job that never ends."""

from pathlib import Path

_FILES = {
    "Chart.yaml": "apiVersion: v2\nname: greeting\nversion: {version}\nappVersion: '7'\n",
    "values.yaml": "greeting: none\nfail: false\n",
    "templates/map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-greeting\n"
        "data:\n  greeting: {{ .Values.greeting | quote }}\n"
    ),
    "templates/pod.yaml": (
        "{{ if .Values.fail }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-never\n"
        "spec:\n  containers:\n    - {name: main, image: nothing}\n{{ end }}\n"
    ),
}


def chart(folder: Path, version: str = "1.2.3") -> Path:
    """The chart's folder."""
    root = folder / "greeting"
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("{version}", version))
    return root
