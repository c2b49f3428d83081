{{- define "runai.pod" -}}
terminationGracePeriodSeconds: 1 # Python as a container's first process does not end by SIGTERM
enableServiceLinks: false
{{- /* Python as a pod's first process takes no notice of SIGTERM, and all that counts is in the database. */}}
terminationGracePeriodSeconds: 2
imagePullSecrets:
  - name: runai-reg-creds
  {{- range .Values.global.additionalImagePullSecrets }}
  - {{ toJson . }}
  {{- end }}
tolerations: {{ toJson .Values.global.tolerations }}
affinity:
  {{- with .Values.global.affinity }}
  nodeAffinity: {{ toJson (index . "nodeAffinity" | default .) }}
  {{- else }}
  nodeAffinity:
    {{- $term := dict "matchExpressions" (list (dict "key" "node-role.kubernetes.io/runai-system" "operator" "In" "values" (list "true"))) }}
    {{- if .Values.clusterConfig.global.nodeAffinity.restrictRunaiSystem }}
    requiredDuringSchedulingIgnoredDuringExecution: {{ toJson (dict "nodeSelectorTerms" (list $term)) }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution: {{ toJson (list (dict "weight" 1 "preference" $term)) }}
    {{- end }}
  {{- end }}
securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
{{- end }}

{{- define "runai.image" -}}
image: {{ .Values.global.image.registry }}/stand-in:{{ .Values.standIn.tag }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}
