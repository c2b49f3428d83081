{{- /* A DaemonSet of the operator's, on every node but those that its labels leave out. */ -}}
{{- define "operand" -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {app: {{ .name }}, app.kubernetes.io/managed-by: gpu-operator}
spec:
  selector: {matchLabels: {app: {{ .name }}}}
  template:
    metadata: {labels: {app: {{ .name }}}}
    spec:
      terminationGracePeriodSeconds: 1 # busybox as a container's first process does not end by SIGTERM
      priorityClassName: system-node-critical
      tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions:
                  - {key: nvidia.com/gpu.deploy.operands, operator: NotIn, values: ["false"]}
                  - {key: nvidia.com/gpu.deploy.{{ .off }}, operator: NotIn, values: ["false"]}
      containers:
        - name: {{ .name }}
          image: {{ .image }}
          resources: {requests: {cpu: 5m, memory: 16Mi}}
{{- if .measures }}
          env: [{name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
{{- end }}
{{- if .plugin }}
          env:
            - {name: HOST_ROOT, value: /host}
            - {name: DEVICE_LIST_STRATEGY, value: {{ if .root.Values.cdi.enabled }}"envvar,cdi-cri"{{ else }}envvar{{ end }}}
            - {name: PASS_DEVICE_SPECS, value: "true"}
          securityContext: {privileged: true}
          volumeMounts:
            - {name: kubelet, mountPath: /var/lib/kubelet/device-plugins}
            - {name: dev, mountPath: /host/dev}
            - {name: share, mountPath: /host/usr/local/share, readOnly: true}
            - {name: metal, mountPath: /host/etc/lab-metal, readOnly: true}
            - {name: cdi, mountPath: /host/var/run/cdi}
      volumes:
        - {name: kubelet, hostPath: {path: /var/lib/kubelet/device-plugins}}
        - {name: dev, hostPath: {path: /dev}}
        - {name: share, hostPath: {path: /usr/local/share}}
        - {name: metal, hostPath: {path: /etc/lab-metal, type: File}}
        - {name: cdi, hostPath: {path: /var/run/cdi, type: DirectoryOrCreate}}
{{- end }}
{{- end }}
