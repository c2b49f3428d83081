#!/bin/sh
# The lab's stand-in of csi-driver-nfs: csi-nfs.sh controller|node. It makes and removes the volumes of its classes as
# the driver does, a folder of the share for each, and lets the kubelet's own NFS mount them, not CSI.
set -eu
# shellcheck disable=SC2016  # the $ in quotes are those of kubectl's templates
DRIVER=nfs.csi.k8s.io
FOLDERS=kube-system
OURS="pv.kubernetes.io/provisioned-by"

# Server, share and a command, which a pod runs on the share at /share.
on_share() {
    pod="csi-nfs-$4"
    kubectl -n "$FOLDERS" delete pod "$pod" --ignore-not-found --wait >/dev/null
    kubectl -n "$FOLDERS" apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$pod", "labels": {"app": "csi-nfs-folder"}},
 "spec": {"restartPolicy": "Never", "tolerations": [{"operator": "Exists"}], "automountServiceAccountToken": false,
  "containers": [{"name": "folder", "image": "$IMAGE", "command": ["sh", "-c", "$3"],
                  "volumeMounts": [{"name": "share", "mountPath": "/share"}]}],
  "volumes": [{"name": "share", "nfs": {"server": "$1", "path": "$2"}}]}}
END
    kubectl -n "$FOLDERS" wait "pod/$pod" '--for=jsonpath={.status.phase}=Succeeded' --timeout=120s >/dev/null || {
        echo "the share $2 of $1: the pod $pod did not end well" >&2
        return 1
    }
    kubectl -n "$FOLDERS" delete pod "$pod" --wait=false >/dev/null
}

# Class, server, share, what becomes of a volume, mount options; then a claim: namespace, name, uid, size, access.
made() {
    volume="pvc-$8"
    if kubectl get pv "$volume" >/dev/null 2>&1; then return; fi
    on_share "$2" "$3" "mkdir -p /share/$volume && chmod 0777 /share/$volume" "$8" || return 0
    kubectl create -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "$volume", "annotations": {"$OURS": "$DRIVER"}},
 "spec": {"storageClassName": "$1", "persistentVolumeReclaimPolicy": "$4", "mountOptions": $5, "accessModes": ["${10}"],
  "capacity": {"storage": "$9"}, "nfs": {"server": "$2", "path": "$3/$volume"},
  "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "$6", "name": "$7", "uid": "$8"}}}
END
    echo "made $volume for $6/$7"
}

controller() {
    kubectl get storageclasses -o "jsonpath={range .items[?(@.provisioner=='$DRIVER')]}{.metadata.name} \
{.parameters.server} {.parameters.share} {.reclaimPolicy} {.mountOptions}{'\n'}{end}" |
        while read -r class server share policy options; do
            kubectl get persistentvolumeclaims --all-namespaces -o "jsonpath={range .items[?(@.status.phase=='Pending')]}\
{.metadata.namespace} {.metadata.name} {.metadata.uid} {.spec.storageClassName} {.spec.resources.requests.storage} \
{.spec.accessModes[0]}{'\n'}{end}" |
                while read -r namespace name uid of size access; do
                    [ "$of" != "$class" ] || made "$class" "$server" "$share" "$policy" "${options:-[]}" \
                        "$namespace" "$name" "$uid" "$size" "$access"
                done
        done
    kubectl get persistentvolumes -o "jsonpath={range .items[?(@.status.phase=='Released')]}{.metadata.name} \
{.spec.persistentVolumeReclaimPolicy} {.spec.nfs.server} {.spec.nfs.path} \
{.metadata.annotations.pv\.kubernetes\.io/provisioned-by}{'\n'}{end}" |
        while read -r volume policy server path by; do
            [ "$policy $by" = "Delete $DRIVER" ] || continue
            on_share "$server" "${path%/*}" "rm -rf /share/$volume" "${volume#pvc-}" || continue
            kubectl delete persistentvolume "$volume" --wait=false
        done
}

trap 'exit 0' TERM
while :; do
    if [ "$1" = controller ]; then controller </dev/null || true; fi
    sleep 2 &
    wait $!
done
