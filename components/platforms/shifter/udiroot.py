"""The whole udiRoot.conf, for the version that reads it: it refuses a file with a key that it does not know.

Keys by version: src/UdiRootConfig.c of NERSC/shifter, 16.08 to 22.02.
"""

from collections.abc import Mapping

from components.host.config import Host
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.roles import gateway_urls
from components.platforms.shifter.versions import MODULES, SITE_RESOURCES, release

_MORE = (
    "perNodeCachePath",
    "perNodeCacheSizeLimit",
    "perNodeCacheAllowedFsType",
    "sitePreMountHook",
    "sitePostMountHook",
    "allowLibcPwdCalls",
    "populateEtcDynamically",
    "mountPropagationStyle",
    "gatewayTimeout",
    "siteEnvPrepend",
    "siteEnvUnset",
    "batchType",
)
"""Keys that a version may know and that do not follow from another key of the site."""

_MODULE = ("siteEnv", "siteEnvPrepend", "siteEnvAppend", "siteEnvUnset", "conflict", "siteFs", "copyPath", "enabled")
_MODULE_KEYS = frozenset((*_MODULE, "userhook", "roothook"))

UDI_MOUNT = "/var/udiMount"
LOOP_MOUNT = "/var/udiLoopMount"
_GPU_MOUNT = "/shifter-gpu"
"""Where the module's hook puts the driver's files in a container."""
_SITE_RESOURCES = "/opt/shifter/site-resources"
_OPT_IMAGE = "/opt/udiImage/bin"


def has_modules(config: Shifter) -> bool:
    """Whether the source knows Shifter modules."""
    return release(config.source.version) >= MODULES and not config.source.site_resources


def has_site_resources(config: Shifter) -> bool:
    """Whether the source knows siteResources: the site may say so of a fork."""
    said = config.source.site_resources
    return release(config.source.version) == SITE_RESOURCES if said is None else said


def may_name(key: str, config: Shifter) -> bool:
    """Whether `udiRoot.more` may have this key."""
    if key.startswith("module_"):
        # Shifter splits the key at each `_`, so a module's name has none; it silently ignores an unknown last word.
        parts = key.split("_")
        return has_modules(config) and len(parts) == 3 and parts[1] not in ("", "gpu") and parts[2] in _MODULE_KEYS
    return key in more_keys(config)


def more_keys(config: Shifter) -> tuple[str, ...]:
    """The keys that `udiRoot.more` may have, without those of modules."""
    return _MORE if has_modules(config) else (*_MORE, "optionalSshdAsRoot")


def keys(config: Shifter) -> frozenset[str]:
    """Keys of udiRoot.conf that follow from other keys of the site."""
    return frozenset([*_places(config), *_tools(), *_site(config, ""), "defaultModules"])


def text(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> str:
    """The text of udiRoot.conf on one host."""
    written = {
        **_places(config),
        **_tools(),
        **_site(config, " ".join(gateway_urls(config, hosts))),
        **_gpu(config, host),
        **config.udi_root.more,
    }
    return "# gpu-metal\n" + "".join(f"{key}={value}\n" for key, value in written.items() if value)


def _places(config: Shifter) -> dict[str, str]:
    own = config.udi_root
    keys = {
        "udiMount": UDI_MOUNT,
        "loopMount": LOOP_MOUNT,
        "imagePath": config.images.path,
        "udiRootPath": config.prefix,
        "optUdiImage": opt_image(config),
        "etcPath": etc_path(config),
        "allowLocalChroot": _flag(own.allow_local_chroot),
        "mountUdiRootWritable": "1",
        "maxGroupCount": "31",
    }
    if not has_modules(config):
        keys["autoLoadKernelModule"] = _flag(own.auto_load_kernel_module)
        if own.auto_load_kernel_module:
            keys["kmodBasePath"] = "/lib/modules"
    return keys


def _tools() -> dict[str, str]:
    """Paths that every system has, with and without a merged /usr."""
    return {
        "modprobePath": "/sbin/modprobe",
        "insmodPath": "/sbin/insmod",
        "cpPath": "/bin/cp",
        "mvPath": "/bin/mv",
        "chmodPath": "/bin/chmod",
        "ddPath": "/bin/dd",
        "mkfsXfsPath": "/sbin/mkfs.xfs",
        "rootfsType": "tmpfs",
    }


def _site(config: Shifter, gateway: str) -> dict[str, str]:
    own = config.udi_root
    keys = {
        "siteFs": ";".join(own.site_fs),
        "siteEnv": " ".join(f"{name}={value}" for name, value in sorted(own.site_env.items())),
        "siteEnvAppend": f"PATH={_OPT_IMAGE}",
        "imageGateway": gateway,
        "system": config.system,
        "defaultImageType": "docker",
    }
    if has_site_resources(config):
        keys["siteResources"] = own.site_resources or _SITE_RESOURCES
    return keys


def etc_path(config: Shifter) -> str:
    """Folder with the files that every container gets in /etc."""
    return config.udi_root.etc_path or f"{config.sysconfdir.rstrip('/')}/shifter_etc_files"


def opt_image(config: Shifter) -> str:
    """Folder that the build makes for containers, which see it as /opt/udiImage."""
    return f"{config.prefix}/libexec/shifter/opt/udiImage"


def gpu_hook(config: Shifter) -> str:
    """The script that brings the driver into a container with the module `gpu`."""
    return f"{config.sysconfdir}/module-gpu.sh"


def gpu_module(config: Shifter, host: Host) -> bool:
    """Whether this host has the module `gpu`."""
    return config.gpu and host.gpu is not None and has_modules(config)


def _gpu(config: Shifter, host: Host) -> dict[str, str]:
    if not gpu_module(config, host):
        return {}
    keys = {
        "module_gpu_siteEnvPrepend": f"PATH={_GPU_MOUNT}/bin LD_LIBRARY_PATH={_GPU_MOUNT}/lib64",
        "module_gpu_roothook": gpu_hook(config),
    }
    return {**keys, **({"defaultModules": "gpu"} if config.gpu_default else {})}


def _flag(value: bool) -> str:
    return "1" if value else "0"
