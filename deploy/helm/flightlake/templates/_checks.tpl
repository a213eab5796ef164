{{/* What the schema cannot say: values that do not go together. */}}
{{- define "flightlake.checks" -}}
{{- $users := .Values.auth.users.existingSecret -}}
{{- $jwt := .Values.config.auth.jwt -}}
{{- if and (not .Values.auth.insecure) (not $users) (not $jwt) -}}
{{- fail "nobody could sign in: give auth.users.existingSecret or config.auth.jwt, or set auth.insecure for a trial" -}}
{{- end -}}
{{- if and .Values.auth.insecure (or $users $jwt) -}}
{{- fail "auth.insecure lets everybody in: give it without auth.users.existingSecret and config.auth.jwt" -}}
{{- end -}}
{{- if and .Values.auth.insecure (ne .Values.service.type "ClusterIP") -}}
{{- fail "auth.insecure is for trials inside the cluster: leave service.type at ClusterIP" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.auth.signingKeys.existingSecret) -}}
{{- fail "several replicas must share the keys they sign with: give auth.signingKeys.existingSecret, or set replicas to 1" -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "files") (not .Values.tls.existingSecret) -}}
{{- fail "tls.mode files needs tls.existingSecret" -}}
{{- end -}}
{{- if and (ne .Values.tls.mode "files") .Values.tls.existingSecret -}}
{{- fail "tls.existingSecret is for tls.mode files" -}}
{{- end -}}
{{- if and .Values.tls.plaintextCredentials (ne .Values.tls.mode "off") -}}
{{- fail "tls.plaintextCredentials is for tls.mode off" -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "off") (not .Values.tls.plaintextCredentials) (not .Values.auth.insecure) -}}
{{- fail "without TLS nobody could sign in: set tls.plaintextCredentials where something in front of the pod does TLS" -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "off") (ne .Values.service.type "ClusterIP") -}}
{{- fail "tls.mode off is for inside the cluster: leave service.type at ClusterIP, or use TLS" -}}
{{- end -}}
{{- if eq (int .Values.management.port) 31337 -}}
{{- fail "management.port 31337 is the Flight port inside the pod: give another" -}}
{{- end -}}
{{- $drain := include "flightlake.drainSeconds" . | int -}}
{{- if le (include "flightlake.graceSeconds" . | int) $drain -}}
{{- fail (printf "terminationGracePeriodSeconds must be longer than config.server.drain_timeout (%d s)" $drain) -}}
{{- end -}}
{{- end -}}
