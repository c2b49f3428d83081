{{- define "rancher.labels" -}}
app: rancher
chart: rancher-{{ .Chart.Version }}
heritage: {{ .Release.Service }}
release: {{ .Release.Name }}
{{- end }}

{{- define "rancher.image" -}}
{{- $registry := .Values.image.registry | default .Values.systemDefaultRegistry -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- .Values.rancherImage | default .Values.image.repository }}:{{ .Values.rancherImageTag | default .Values.image.tag | default .Chart.AppVersion -}}
{{- end }}

{{- define "rancher.webhook" -}}
{{- /* Its own calls are let through: it makes objects before it is ready to be asked. */}}
admissionReviewVersions: [v1]
failurePolicy: Fail
sideEffects: NoneOnDryRun
timeoutSeconds: 10
matchConditions:
  - name: not-rancher-itself
    expression: request.userInfo.username != "system:serviceaccount:{{ .Release.Namespace }}:rancher"
{{- end }}
