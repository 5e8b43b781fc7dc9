# Runs as root from a node's user data, below the settings that WorkloadSecurityAgent writes above it.
#
# The kubelet is held back first and released last: it starts only where FLAG exists, and only a node whose agent works
# has it, so there is no way to end this script early that lets the node join. A node that failed reports the step and
# powers itself off; Auto Scaling replaces it. The units cannot be masked instead: they live in /etc/systemd/system,
# where systemd refuses a mask.
#
# The token never reaches output, log or file. It is an argument of dsa_control, which knows no other way, at a time
# when only root's own processes run here.

set -euo pipefail
umask 077

STEP=hold-kubelet
INSTANCE=unknown
WORK=

# An event for people and for the alarm: what happened and at which step, never what a command has printed.
report() {
  local event events
  event="{\"event\":\"workload-security-agent\",\"result\":\"$1\",\"step\":\"${STEP}\",\"instance\":\"${INSTANCE}\"}"
  echo "${event}"
  events="$(jq --null-input --compact-output --arg message "${event}" --arg time "$(date +%s%3N)" \
    '[{timestamp: ($time | tonumber), message: $message}]')"
  aws logs create-log-stream --region "${REGION}" --log-group-name "${LOG_GROUP}" --log-stream-name "${INSTANCE}" \
    >/dev/null 2>&1 || true # a second report of one node finds its stream there
  aws logs put-log-events --region "${REGION}" --log-group-name "${LOG_GROUP}" --log-stream-name "${INSTANCE}" \
    --log-events "${events}" >/dev/null 2>&1
}

finish() {
  local status=$?
  trap - EXIT
  if [ "${status}" -ne 0 ]; then
    rm -f "${FLAG}"
    report failed || true
  fi
  rm -rf "${WORK}"
  if [ "${status}" -ne 0 ]; then
    systemctl poweroff
  fi
  exit "${status}"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

hold_kubelet() {
  local unit
  for unit in ${UNITS}; do
    mkdir -p "${UNIT_DIRECTORY}/${unit}.d"
    printf '[Unit]\nConditionPathExists=%s\n' "${FLAG}" >"${UNIT_DIRECTORY}/${unit}.d/10-workload-security.conf"
  done
  systemctl daemon-reload
}

# Tries a step until it succeeds, at most ATTEMPTS times.
persist() {
  local attempt
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    if "$@"; then
      return 0
    fi
    sleep "${PAUSE_SECONDS}"
  done
  return 1
}

fetch_secret() {
  SECRET="$(aws secretsmanager get-secret-value --region "${REGION}" --secret-id "${SECRET_NAME}" \
    --query SecretString --output text 2>/dev/null)"
}

download() {
  curl --fail --silent --location --proto '=https' --proto-redir '=https' --tlsv1.2 --connect-timeout 10 --max-time 300 \
    --output "${WORK}/agent.rpm" "${MANAGER_URL}/software/agent/${PLATFORM}/$(uname -m)/agent.rpm"
}

activate() {
  "${AGENT_HOME}/dsa_control" -a "${ACTIVATION_URL}" "tenantID:${TENANT}" "token:${TOKEN}" "policyid:${POLICY_ID}" \
    >/dev/null 2>&1
}

# The agent itself says that it has a manager and that its modules work.
healthy() {
  local status
  status="$("${AGENT_HOME}/dsa_query" -c GetAgentStatus 2>/dev/null)" &&
    [[ "${status}" == *"AgentStatus.dsmUrl: https://"* && "${status}" == *"AgentStatus.agentState: green"* ]]
}

hold_kubelet
INSTANCE="$(cat "${INSTANCE_ID_FILE}")"
WORK="$(mktemp -d)"

STEP=secret
persist fetch_secret
TENANT="$(printf '%s' "${SECRET}" | jq --exit-status --raw-output .tenantId 2>/dev/null)"
TOKEN="$(printf '%s' "${SECRET}" | jq --exit-status --raw-output .token 2>/dev/null)"
unset SECRET

STEP=download
persist download

STEP=install
rpm --install --quiet "${WORK}/agent.rpm" >/dev/null 2>&1
systemctl enable --now ds_agent >/dev/null 2>&1

STEP=activate
persist activate
unset TENANT TOKEN

STEP=verify
persist healthy

STEP=release-kubelet
report activated || true # a protected node may join even when its report is lost
mkdir -p "$(dirname "${FLAG}")"
touch "${FLAG}"
