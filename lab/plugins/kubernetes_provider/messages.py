"""The official plugin's longer messages."""

from lab.plugins.kubernetes_provider.cluster import ApiError, NoMatchError, Object

_IF_DELETED = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
CANNOT_DELETE = f"configured Kubernetes cluster is unreachable. {_IF_DELETED}"
CANNOT_READ = f"failed to read resource state due to unreachable cluster. {_IF_DELETED}"


def conflict(manager: str, error: Exception) -> str:
    """Another manager holds a field."""
    return (
        "Server-Side Apply field conflict detected. See https://www.pulumi.com/registry/packages/kubernetes/"
        "how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for "
        f'troubleshooting help.\nThe resource managed by field manager "{manager}" had an apply conflict: {error}'
    )


def not_created(urn: str, wanted: Object, manager: str, error: Exception) -> str:
    """The create was refused, or its kind is not there."""
    if isinstance(error, NoMatchError):
        return (
            f'creation of resource "{urn}" with kind {wanted["apiVersion"]}/{wanted["kind"]} failed because '
            "the Kubernetes API server reported that the apiVersion for this resource does not exist. Verify that any "
            f"required CRDs have been created: {error}"
        )
    said = conflict(manager, error) if isinstance(error, ApiError) and error.reason == "Conflict" else str(error)
    return f'resource "{urn}" was not successfully created by the Kubernetes API server: {said}'
