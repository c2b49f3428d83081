"""What a tool is: a Go module, the programs taken from it, and where the official ones can be downloaded."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Download:
    """An official release; an archive when the URL ends in .tgz or .tar.gz, else one file for each binary."""

    url: str
    checksums: str


@dataclass(frozen=True)
class Tool:
    """One Go module and the programs taken from it. Its folder holds go.mod, go.sum and any program of our own."""

    room: Path
    """Where the tool's folder is."""
    name: str
    module: str
    packages: tuple[str, ...]
    binaries: tuple[str, ...]
    official: Download | None = None
    companions: tuple[str, ...] = ()
    """Programs that official releases have beside the binaries."""
    variables: tuple[str, ...] = ()
    """Variables that the linker sets, as in official builds: without a version kubeadm and Pulumi refuse to work."""
    tags: tuple[str, ...] = ()
    """Build tags of the module's own, such as those that leave out what nobody here needs."""
    shims: tuple[str, ...] = ()
    """Scripts taken from the module's own folder."""
    embeds: tuple[str, ...] = ()
    """JSON files of the module that its program embeds as NAME-embed.json, the schema with the version in it. Modules
    come without those generated files, so such a tool is built from a copy of the module."""
    wrapper: str = ""
    """A script in the tool's folder that runs the program, and takes its place on PATH."""
    version_argument: str = ""
    """Asks a program on PATH for its version; empty: always our own, because it goes into packages and images."""
    minutes: int = 1
    """How long a build from nothing takes on two cores."""

    @property
    def folder(self) -> Path:
        """Where go.mod is."""
        return self.room / self.name

    @property
    def version(self) -> str:
        """The version in go.mod, its only place; if that is a pseudo-version, the release in the comment beside it."""
        required = rf"^(?:require)?\s*{re.escape(self.module)} v(?:\S+ //.* release )?(\S+)"
        found = re.search(required, (self.folder / "go.mod").read_text(), re.M)
        if not found:
            raise LookupError(f"{self.folder}/go.mod does not require {self.module}")
        return found[1]

    @property
    def key(self) -> str:
        """Names the tool's folder in the cache; changes with anything that changes the programs."""
        built = (
            self.packages,
            self.linker_flags(),
            self.shims,
            *self.embeds,
            *self.tags,
            platform.machine(),
            sys.platform,
        )
        content = hashlib.sha256(repr(built).encode())
        for file in (self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go"))):
            content.update(file.read_bytes())
        return f"{self.name}-{self.version}-{content.hexdigest()[:8]}"

    def linker_flags(self) -> str:
        """For `go build -ldflags`."""
        major, minor, _ = self.version.split(".", 2)
        values = [value.format(version=self.version, major=major, minor=minor) for value in self.variables]
        return " ".join(["-s", "-w", *(f"-X {value}" for value in values)])
