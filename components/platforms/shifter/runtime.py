"""Shifter's runtime on a host, as data: config in, steps out. Nothing here touches a host.

build tools → source → build, installed → links, folders → udiRoot.conf → GPU module
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.platforms.shifter import slurm
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.roles import SOURCE, gateway_url, udiroot_conf
from components.platforms.shifter.udiroot import LOOP_MOUNT, UDI_MOUNT, etc_path, gpu_hook, gpu_module, opt_image, text

_SCRIPTS = Path(__file__).parent / "steps"


def source(config: Shifter) -> list[Step]:
    """Unpacks the source, from which the runtime is built and the gateway is copied."""
    git, archive = config.source.git, config.source.archive
    place = {"folder": SOURCE}
    if git:
        tools = [packages(["git", "ca-certificates"], label="git")]
        return [*tools, Step(_SCRIPTS / "shifter_source.sh", {**place, "git": git.url, "revision": git.revision})]
    inputs = archive.inputs() if archive else {}
    return [packages(["tar", "gzip"], label="tar"), Step(_SCRIPTS / "shifter_source.sh", {**place, **inputs})]


def images(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> list[Step]:
    """The folder of images: the gateway's host marks it, the others see the mark or have a folder of their own."""
    others = "shared" if config.images.shared else "own"
    role = "gateway" if host.name == config.gateway.host else others
    inputs = {"path": config.images.path, "system": config.system, "role": role, "user": config.gateway.user}
    # Another site may have a system of that name.
    inputs["gateway"] = gateway_url(config, hosts)
    return [Step(_SCRIPTS / "shifter_images.sh", inputs)]


def steps(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> list[Step]:
    """The runtime's steps, after those of munge and of the source."""
    own = images(config, host, hosts) if host.name != config.gateway.host else []
    links = Step(_SCRIPTS / "shifter_links.sh", {"prefix": config.prefix})
    return [*own, *built(config, host, hosts), links]


def built(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> list[Step]:
    """The build and its settings: all that a host needs for Slurm's plugin, which submits jobs with --image."""
    folders = " ".join((config.sysconfdir, etc_path(config), UDI_MOUNT, LOOP_MOUNT, opt_image(config)))
    hook = Step(_SCRIPTS / "shifter_gpu_module.sh", {"file": gpu_hook(config)})
    return [
        packages(["@shifter-build", *slurm.packages(config)], label="shifter"),
        Step(_SCRIPTS / "shifter_build.sh", _build(config)),
        Step(_SCRIPTS / "shifter_folders.sh", {"folders": folders}),
        *([hook] if gpu_module(config, host) else []),
        _udiroot(config, host, hosts),
    ]


def ready(config: Shifter, host: Host) -> list[Step]:
    """The last steps of a host, after those that make users: `shifter` works for users, with the settings it has."""
    # This digest makes a user or group that the site adds or removes a change of this layer, too.
    makers = host.model_dump_json(include={"accounts", "account_groups", "packages"})
    people = sha256(makers.encode()).hexdigest()[:12]
    return [
        Step(_SCRIPTS / "shifter_etc.sh", {"folder": etc_path(config), "people": people}),
        Step(_SCRIPTS / "shifter_ready.sh", {"prefix": config.prefix, "file": udiroot_conf(config)}),
    ]


def _build(config: Shifter) -> dict[str, str]:
    own = config.source
    words = [f"--prefix={config.prefix}", f"--sysconfdir={config.sysconfdir}"]
    words += ["--with-json-c", "--with-libcurl", "--with-munge"]
    words += ["--with-slurm=/usr"] if config.slurm else []
    words += [] if own.static_sshd else ["--disable-staticsshd"]
    inputs = {"folder": SOURCE, "prefix": config.prefix, "sysconfdir": config.sysconfdir}
    inputs["configure"] = " ".join([*words, *own.configure])
    return {**inputs, **({"dependencies": own.dependencies} if own.dependencies else {})}


def _udiroot(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> Step:
    mounts = " ".join(entry.split(":")[0] for entry in config.udi_root.site_fs)
    inputs = {"file": udiroot_conf(config), **({"mounts": mounts} if mounts else {})}
    return Step(_SCRIPTS / "shifter_udiroot.sh", inputs, {"text": text(config, host, hosts)})
