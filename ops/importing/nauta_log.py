"""Rotation of containers' logs: what Nauta gave to Docker, for a kubelet.

Docker: https://docs.docker.com/engine/logging/drivers/json-file/, whose k, m and g are powers of 1024. A kubelet takes
no fewer than two files for each container (containerLogMaxFiles):
https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

import re

from ops.importing.draft import Draft
from ops.importing.place import Place
from ops.importing.yaml_file import YamlFile

DEFAULT = ("5g", 1)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_NAMES = (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))
_FIELDS = ("containerLogMaxSize", "containerLogMaxFiles")


def kubelet_log(draft: Draft, config: YamlFile) -> None:
    """The kubelet's settings from docker_log_driver_settings, or from its default of one file of 5g."""
    size, files = (config.given("docker_log_driver_settings", name) for name in ("max_size", "max_file"))
    name = "docker_log_driver_settings"
    place = config.place(name) if size or files else Place("the guide's default", None, name)
    text, number = str(size.value) if size else DEFAULT[0], files.value if files else DEFAULT[1]
    match = re.fullmatch(r"(\d+)([kmg]?)", text.lower())
    if match is None or int(match[1]) == 0:
        where = config.place("docker_log_driver_settings", "max_size")
        draft.fault(where, f'"{text}" is no size as Docker writes it. Write a number with k, m or g, such as 5g.')
        return
    if not re.fullmatch(r"[1-9]\d*", str(number)):
        where = config.place("docker_log_driver_settings", "max_file")
        draft.fault(where, f'"{number}" is no number of files. Write 1 or more.')
        return
    whole, count = int(match[1]) * _UNITS[match[2]], int(str(number))
    remark = ""
    if count == 1:
        whole, count = whole // 2, 2
        remark = "a kubelet keeps two files at least: each has half of the size, so that both together have the whole."
        draft.remarks.append(f"docker_log_driver_settings, one file of {text} for each container: {remark}")
    for field, value in zip(_FIELDS, (_quantity(whole), count), strict=True):
        draft.put(("kubernetes", "kubelet", field), value, place, remark)


def _quantity(size: int) -> str:
    unit, least = next(((name, one) for name, one in _NAMES if size % one == 0), ("", 1))
    return f"{size // least}{unit}"
