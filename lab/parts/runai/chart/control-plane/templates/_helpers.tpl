{{- define "runai.image" -}}
{{ .root.Values.global.image.registry }}/{{ .name }}:{{ .root.Values.standIn.tag }}
{{- end }}

{{- define "runai.pod" -}}
terminationGracePeriodSeconds: 1 # Python as a container's first process does not end by SIGTERM
enableServiceLinks: false
{{- /* Python as a pod's first process takes no notice of SIGTERM, and all that counts is in the database. */}}
terminationGracePeriodSeconds: 2
automountServiceAccountToken: false
imagePullSecrets:
  - name: runai-reg-creds
  {{- range concat (.Values.global.additionalImagePullSecrets | default list) (.Values.global.imagePullSecrets | default list) }}
  - {{ toJson . }}
  {{- end }}
tolerations: {{ toJson (concat (.Values.global.tolerations | default list) (.Values.backend.tolerations | default list)) }}
{{- with .Values.global.affinity }}
affinity:
  nodeAffinity: {{ toJson (index . "nodeAffinity" | default .) }}
{{- else }}
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        preference:
          matchExpressions:
            - {key: node-role.kubernetes.io/runai-system, operator: In, values: ["true"]}
{{- end }}
{{- end }}

{{- define "runai.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "runai.strong" -}}
{{- $password := . -}}
{{- if or (lt (len $password) 8) (not (regexMatch "[0-9]" $password)) (not (regexMatch "[a-z]" $password)) (not (regexMatch "[A-Z]" $password)) (not (regexMatch "[^0-9A-Za-z]" $password)) }}
{{- fail "tenantsManager.config.adminPassword must have at least 8 characters: a digit, a lower-case and an upper-case letter, and a special character" }}
{{- end }}
{{- end }}
