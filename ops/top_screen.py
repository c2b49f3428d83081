"""How `sitectl top` looks to people: the cluster, then its hosts, then each GPU with who uses it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops import render, top
from ops.flags import Flags
from ops.nvidia_smi import Gpu, Process
from ops.top import Seen, User

BLOCKS = " ▏▎▍▌▋▊▉█"
BAR = 10
"""Cells of a bar."""
HOSTS = ("HOST", "DRIVER", "GPUS", "UTIL", "MEMORY", "POWER", "RESULT")
GPUS = ("HOST", "GPU", "MODEL", "UTILISATION", "MEMORY", "TEMP", "POWER", "USED BY")


def screen(found: Mapping[str, Seen]) -> RenderableType:
    """The whole answer."""
    parts: list[RenderableType] = [Text(_cluster(found), style="bold"), Text(), _grid(HOSTS, _hosts(found))]
    if rows := _gpus(found):
        parts += [Text(), _grid(GPUS, rows)]
    reasons = [check for check in top.report(found).checks if check.status != "ok"]
    for names, check in render.grouped(reasons):
        sign, style = render.SIGNS[check.status]
        line = str(check).removeprefix(check.host)
        parts.append(Text(f"{sign} ", style=style) + Text(f"{names}{line}"))
    return Group(*parts)


def show(flags: Flags, found: Mapping[str, Seen]) -> None:
    """Prints it once."""
    render.console(flags).print(screen(found))


def live(flags: Flags, asked: top.Asked, interval: float) -> Mapping[str, Seen]:
    """Shows it until Ctrl-C; returns what was seen last."""
    last: dict[str, Seen] = {}
    with Live(Text("Asking …"), console=render.console(flags), auto_refresh=False) as board:

        def shown(found: Mapping[str, Seen]) -> None:
            last.update(found)
            board.update(screen(found), refresh=True)

        with suppress(KeyboardInterrupt):
            asyncio.run(top.for_ever(asked, interval, shown))
    return last


def _grid(heads: tuple[str, ...], rows: list[list[str]]) -> Table:
    grid = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(cell, overflow="fold") for cell in row))
    return grid


def _cluster(found: Mapping[str, Seen]) -> str:
    every = top.total(top.everything(found))
    text = f"{render.plural(len(found), 'host')}, {render.plural(every.gpus, 'GPU')}"
    return (
        f"{text} · utilisation {_percent(every.utilisation_percent)} · memory {_memory(every)} · power {_power(every)}"
    )


def _hosts(found: Mapping[str, Seen]) -> list[list[str]]:
    answer, rows = top.report(found), []
    for name, one in found.items():
        sums = top.total(one.answer.gpus)
        figures = [_percent(sums.utilisation_percent), _memory(sums), _power(sums)]
        rows.append([name, one.answer.driver or "-", str(sums.gpus), *figures, render.by_host(answer, name)])
    return rows


def _gpus(found: Mapping[str, Seen]) -> list[list[str]]:
    return [row for name, one in found.items() for gpu in one.answer.gpus for row in _gpu(name, gpu, one.users or {})]


def _gpu(host: str, gpu: Gpu, users: Mapping[int, User]) -> list[list[str]]:
    """One row for the GPU, and one for each MIG instance with those who use it."""
    model = f"{gpu.model} (MIG)" if gpu.mig else gpu.model
    temperature = "-" if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C"
    apart = {each.ids for each in gpu.instances}
    whole = [each for each in gpu.processes if each.instance not in apart]
    busy = gpu.says or _bar(gpu.utilisation_percent)
    rows = [[host, str(gpu.index), model, busy, _memory(gpu), temperature, _power(gpu), _used_by(whole, users)]]
    for each in gpu.instances:
        own = [process for process in gpu.processes if process.instance == each.ids]
        name = f"MIG {each.profile or '/'.join(each.ids)}"
        rows.append([host, f"{gpu.index}:{each.index}", name, "-", _memory(each), "-", "-", _used_by(own, users)])
    return rows


def _used_by(processes: list[Process], users: Mapping[int, User]) -> str:
    """Pods as namespace/name, other processes as user and program; each once."""
    names = []
    for process in processes:
        user = users.get(process.pid)
        if user and user.pod:
            names.append(f"{user.namespace}/{user.pod}")
        elif user and user.pod_uid:
            names.append(f"pod {user.pod_uid}")
        else:
            program = process.name.partition(" ")[0].rpartition("/")[2] or f"process {process.pid}"
            names.append(f"{user.name if user else '?'} {program}")
    return ", ".join(dict.fromkeys(names)) or "-"


def _bar(percent: float | None) -> str:
    if percent is None:
        return "-"
    eighths = round(min(percent, 100) / 100 * BAR * 8)
    return f"{'█' * (eighths // 8)}{BLOCKS[eighths % 8].strip()}".ljust(BAR) + f" {percent:3.0f} %"


def _percent(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.0f} %"


def _memory(of: object) -> str:
    used, most = getattr(of, "memory_used_mib", None), getattr(of, "memory_total_mib", None)
    if used is None or not most:
        return "-"
    return f"{used:.0f}/{most:.0f} MiB ({used / most:.0%})"


def _power(of: object) -> str:
    power, limit = getattr(of, "power_w", None), getattr(of, "power_limit_w", None)
    if power is None:
        return "-"
    return f"{power:.0f} W" if limit is None else f"{power:.0f}/{limit:.0f} W"
