"""The tools that any site needs: where to download each, else how to build it."""

from pathlib import Path

from tools.tool import Download, Tool

HERE = Path(__file__).parent

PULUMI = Tool(
    room=HERE,
    name="pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    binaries=("pulumi",),
    companions=(
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-analyzer-policy-python",
        "pulumi-resource-pulumi-python",
    ),
    official=Download(
        "https://get.pulumi.com/releases/sdk/pulumi-v{version}-{os}-{cpu}.tar.gz",
        "https://github.com/pulumi/pulumi/releases/download/v{version}/pulumi-{version}-checksums.txt",
    ),
    variables=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
    wrapper="private_tmp.sh",
    version_argument="version",
    minutes=3,
)

LANGUAGE_PYTHON = Tool(
    room=HERE,
    name="language-python",
    module="github.com/pulumi/pulumi/sdk/v3",
    packages=("github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",),
    binaries=("pulumi-language-python",),
    variables=("github.com/pulumi/pulumi/sdk/v3/python/version.Version=v{version}",),
    shims=(
        "python/cmd/pulumi-language-python-exec",
        "python/dist/pulumi-analyzer-policy-python",
        "python/dist/pulumi-resource-pulumi-python",
    ),
)

_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"

KUBERNETES_PLUGIN = Tool(
    room=HERE,
    name="kubernetes-plugin",
    module=_PROVIDER,
    packages=(f"{_PROVIDER}/cmd/pulumi-resource-kubernetes",),
    binaries=("pulumi-resource-kubernetes",),
    variables=(f"{_PROVIDER}/pkg/version.Version={{version}}",),
    embeds=("cmd/pulumi-resource-kubernetes/schema.json", "cmd/pulumi-resource-kubernetes/terraform-mapping.json"),
    minutes=7,
)
"""The official plugin. `plugins.py` asks Pulumi for its release first."""
