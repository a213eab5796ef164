{{/* What the chart itself decides of the configuration; it counts over .Values.config. */}}
{{- define "flightlake.ownConfig" -}}
server:
  host: {{ ternary "127.0.0.1" "0.0.0.0" .Values.auth.insecure | quote }}
  port: 31337
  {{- if .Values.tls.plaintextCredentials }}
  allow_plaintext_credentials: true
  {{- end }}
  tls:
    mode: {{ .Values.tls.mode | quote }}
    {{- if eq .Values.tls.mode "files" }}
    certificate_file: /etc/flightlake/tls/tls.crt
    key_file: /etc/flightlake/tls/tls.key
    {{- end }}
management:
  host: "0.0.0.0"
  port: {{ int .Values.management.port }}
state:
  directory: /var/lib/flightlake
auth:
  anonymous: {{ .Values.auth.insecure }}
  {{- if .Values.auth.users.existingSecret }}
  users_file: /etc/flightlake/users/users.toml
  {{- end }}
{{- end -}}

{{/* The whole configuration file. */}}
{{- define "flightlake.toml" -}}
{{- $config := mergeOverwrite (deepCopy .Values.config) (include "flightlake.ownConfig" . | fromYaml) -}}
{{- if and .Values.auth.signingKeys.existingSecret (not $config.auth.key_rotation) -}}
{{- /* The keys are read-only here: whoever keeps the Secret adds newer ones. */ -}}
{{- $_ := set $config.auth "key_rotation" "366d" -}}
{{- end -}}
{{- include "flightlake.tomlTable" (dict "path" "" "table" $config) | trim -}}
{{- end -}}

{{/* One table: first its own keys, then the tables below it. */}}
{{- define "flightlake.tomlTable" -}}
{{- $path := .path -}}
{{- range $key, $value := .table -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value) (include "flightlake.isTables" $value)) }}
{{ include "flightlake.tomlKey" $key }} = {{ include "flightlake.tomlValue" $value }}
{{- end -}}
{{- end -}}
{{- range $key, $value := .table -}}
{{- $name := include "flightlake.tomlKey" $key -}}
{{- $below := ternary $name (printf "%s.%s" $path $name) (eq $path "") -}}
{{- if kindIs "map" $value }}

[{{ $below }}]
{{- include "flightlake.tomlTable" (dict "path" $below "table" $value) -}}
{{- else if include "flightlake.isTables" $value -}}
{{- range $value }}

[[{{ $below }}]]
{{- include "flightlake.tomlTable" (dict "path" $below "table" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" for a list of tables, which TOML writes as [[…]]. */}}
{{- define "flightlake.isTables" -}}
{{- if kindIs "slice" . -}}{{- if . -}}{{- if kindIs "map" (first .) -}}true{{- end -}}{{- end -}}{{- end -}}
{{- end -}}

{{- define "flightlake.tomlKey" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . -}}{{- . -}}{{- else -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{/* JSON strings and lists are TOML too; whole numbers must not become 31337.0 or 1e+06. */}}
{{- define "flightlake.tomlValue" -}}
{{- if kindIs "float64" . -}}
{{- if eq (float64 (int64 .)) . -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
