"""Builds a tool from Go modules, whose content go.sum fixes."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cache import ToolError
from tools.tool import Tool


def build(tool: Tool, into: Path) -> None:
    """Puts the built programs and the module's shims into a folder.

    Raises ToolError when Go is missing or too old, or the build fails.
    """
    # With one package we name the program: Go would name it otherwise for a package path that ends in /v3.
    output = into / tool.binaries[0] if len(tool.packages) == 1 else f"{into}/"
    tags = ("-tags", ",".join(tool.tags)) if tool.tags else ()
    words = ("-trimpath", *tags, "-ldflags", tool.linker_flags(), "-o", str(output), *tool.packages)
    if tool.embeds:
        with _completed(tool) as folder:
            go(tool, "build", *words, folder=folder)
    else:
        go(tool, "build", *words)
    for binary in tool.binaries:
        (into / binary).chmod(0o755)
    if tool.shims:
        source = module_folder(tool)
        for shim in tool.shims:
            shutil.copyfile(source / shim, into / Path(shim).name)
            (into / Path(shim).name).chmod(0o755)


@contextmanager
def _completed(tool: Tool) -> Iterator[Path]:
    """The tool's folder with a copy of its module, to which the files that it embeds are added.

    Does what the module's `go generate` does, without compiling a generator. Go refuses to overlay its module cache.
    """
    with tempfile.TemporaryDirectory(prefix="gpu-metal-build-") as folder:
        work, module = Path(folder), Path(folder, "module")
        shutil.copytree(module_folder(tool), module, copy_function=shutil.copyfile)
        for inside in (module, *(path for path in module.rglob("*") if path.is_dir())):
            inside.chmod(0o755)
        for embed in tool.embeds:
            content = json.loads((module / embed).read_bytes())
            if Path(embed).name == "schema.json":
                content["version"] = tool.version
            target = (module / embed).with_name(f"{Path(embed).stem}-embed.json")
            target.write_text(json.dumps(content, separators=(",", ":")))
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(tool.folder / name, work / name)
        go(tool, "mod", "edit", "-replace", f"{tool.module}=./module", folder=work)
        yield work


def module_folder(tool: Tool) -> Path:
    """Where Go keeps the module's source; fetched when it is not there."""
    go(tool, "mod", "download", tool.module)
    return Path(go(tool, "list", "-m", "-f", "{{.Dir}}", tool.module).strip())


def go(tool: Tool, *arguments: str, folder: Path | None = None) -> str:
    """Runs `go` in the tool's folder, or in another one. Raises ToolError with its last lines."""
    _need_go(tool)
    # Static programs: they run in images that hold nothing else, and on any distribution's libc.
    env = {**os.environ, "CGO_ENABLED": "0"}
    folder = folder or tool.folder
    done = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        raise ToolError(f"{tool.name} [go {arguments[0]}] failed in {folder}:\n  " + "\n  ".join(said[-8:]))
    return done.stdout


def _need_go(tool: Tool) -> None:
    line = re.search(r"^go (\S+)", (tool.folder / "go.mod").read_text(), re.M)
    wanted = line[1] if line else "1.24"
    fix = f"Fix: install Go {wanted} or newer (https://go.dev/dl/) and put it on PATH."
    if not shutil.which("go"):
        raise ToolError(f"{tool.name} [go] is to be built from Go modules, and there is no `go` on PATH. {fix}")
    seen = subprocess.run(["go", "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False).stdout
    version, _, toolchain = seen.strip().partition("\n")
    numbers = _numbers(version)
    # Before 1.21, Go knows no GOTOOLCHAIN, prints nothing for it, and does not fetch a newer one.
    if toolchain in {"", "local"} and numbers < _numbers(wanted):
        raise ToolError(f"{tool.name} [go] needs Go {wanted}; {version or 'none'} is on PATH. {fix}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
