"""A web service of the cluster under a name of the site's domain, through the site's ingress."""

import pulumi_kubernetes as k8s
from pulumi import Resource, ResourceOptions

from components.kubernetes.force import FORCE


def web_name(resource: str, host: str, place: tuple[str, str], port: str, options: ResourceOptions) -> Resource:
    """`host`: the whole name. `place`: namespace and name of the service, also the Ingress' own name; `port`: its name.

    Only by HTTPS, with the ingress' own certificate, which is for every name of the domain.
    """
    namespace, service = place
    net = k8s.networking.v1
    backend = net.IngressBackendArgs(
        service=net.IngressServiceBackendArgs(name=service, port=net.ServiceBackendPortArgs(name=port))
    )
    path = net.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    # At nodes' ports an Ingress gets no address: nothing would end the wait for one.
    notes = {**FORCE, "pulumi.com/skipAwait": "true", "haproxy.org/ssl-redirect": "true"}
    return net.Ingress(
        resource,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=service, namespace=namespace, annotations=notes),
        spec=net.IngressSpecArgs(
            rules=[net.IngressRuleArgs(host=host, http=net.HTTPIngressRuleValueArgs(paths=[path]))],
            tls=[net.IngressTLSArgs(hosts=[host])],
        ),
        opts=options,
    )
