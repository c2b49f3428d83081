{{- define "whole" -}}
{{ .Release.Name }}-kube-prometheus
{{- end }}
{{- /* An image: (list . IMAGE). */ -}}
{{- define "image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{ $root.Values.global.imageRegistry | default $image.registry }}/{{ $image.repository }}:{{ $image.tag }}
{{- end }}
{{- /* What others see of the cluster: (list . NAME RULES), a ServiceAccount with a ClusterRole. */ -}}
{{- define "account" -}}
{{- $root := index . 0 }}{{ $name := index . 1 -}}
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ $name }}, namespace: {{ $root.Release.Namespace }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: {{ $name }}}
rules: {{ index . 2 | fromYamlArray | toJson }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: {{ $name }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ $name }}}
subjects: [{kind: ServiceAccount, name: {{ $name }}, namespace: {{ $root.Release.Namespace }}}]
{{- end }}
