# Runs as root from a node's user data, below the settings that WorkloadSecurityAgent writes above it.
#
# The kubelet is held back first and released last: it starts only where FLAG exists, and only a node whose agent works
# has it, so there is no way to end this script early that lets the node join. FLAG is in memory: each later start of the
# node asks again, by a unit that runs this script with the word `restart`. A node that failed reports the step and
# powers itself off; Auto Scaling replaces it. The units cannot be masked instead: they live in /etc/systemd/system,
# where systemd refuses a mask. Each command has a limit of time, so that none can hang the start.
#
# BREAK_GLASS_UNTIL is empty, except while the tenant is down: until then a node without an agent may join, and says so.
#
# The token never reaches output, log or file. It is an argument of dsa_control, which knows no other way, at a time
# when only root's own processes run here.

set -euo pipefail
umask 077

STEP=hold-kubelet
INSTANCE=unknown
WORK=

# Runs a command for so many seconds at most.
within() {
  timeout --kill-after=10 "$@"
}

# An event for people and for the alarm: what happened and at which step, never what a command has printed.
report() {
  local event events
  event="{\"event\":\"workload-security-agent\",\"result\":\"$1\",\"step\":\"${STEP}\",\"instance\":\"${INSTANCE}\"}"
  echo "${event}"
  events="$(jq --null-input --compact-output --arg message "${event}" --arg time "$(date +%s%3N)" \
    '[{timestamp: ($time | tonumber), message: $message}]')"
  within 60 aws logs create-log-stream --region "${REGION}" --log-group-name "${LOG_GROUP}" --log-stream-name "${INSTANCE}" \
    >/dev/null 2>&1 || true # a second report of one node finds its stream there
  within 60 aws logs put-log-events --region "${REGION}" --log-group-name "${LOG_GROUP}" --log-stream-name "${INSTANCE}" \
    --log-events "${events}" >/dev/null 2>&1
}

finish() {
  local status=$?
  trap - EXIT
  rm -rf "${WORK}"
  if [ "${status}" -ne 0 ] && [[ "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" < "${BREAK_GLASS_UNTIL}" ]]; then
    report unprotected || true
    release
    exit 0
  fi
  if [ "${status}" -ne 0 ]; then
    rm -f "${FLAG}"
    report failed || true
    within 60 systemctl poweroff || systemctl poweroff --force --force
  fi
  exit "${status}"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

release() {
  mkdir -p "$(dirname "${FLAG}")"
  touch "${FLAG}"
}

hold_kubelet() {
  local unit
  for unit in ${UNITS}; do
    mkdir -p "${UNIT_DIRECTORY}/${unit}.d"
    printf '[Unit]\nConditionPathExists=%s\n' "${FLAG}" >"${UNIT_DIRECTORY}/${unit}.d/10-workload-security.conf"
  done
  # What runs at a later start: before the kubelet, and again each time.
  install -D --mode=0700 "$0" "${HOME_OF_SCRIPT}/softpos-agent-boot"
  printf '%s\n' '[Unit]' "Before=${UNITS}" 'Wants=network-online.target' 'After=network-online.target ds_agent.service' \
    '[Service]' 'Type=oneshot' "ExecStart=${HOME_OF_SCRIPT}/softpos-agent-boot restart" \
    '[Install]' 'WantedBy=multi-user.target' >"${UNIT_DIRECTORY}/softpos-agent-restart.service"
  within 60 systemctl daemon-reload
  within 60 systemctl enable softpos-agent-restart.service >/dev/null 2>&1
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
  SECRET="$(within 60 aws secretsmanager get-secret-value --region "${REGION}" --secret-id "${SECRET_NAME}" \
    --query SecretString --output text 2>/dev/null)"
}

download() {
  curl --fail --silent --location --proto '=https' --proto-redir '=https' --tlsv1.2 --connect-timeout 10 --max-time 300 \
    --output "${WORK}/agent.rpm" "${MANAGER_URL}/software/agent/${PLATFORM}/$(uname -m)/agent.rpm"
}

# The package must carry a good signature of the key that the secret names, and be as new as it asks for.
genuine() {
  local keys="${WORK}/keys" said name version
  mkdir -p "${keys}"
  within 60 rpmkeys --dbpath "${keys}" --import "${WORK}/signer.asc" || return 1
  said="$(within 60 rpmkeys --dbpath "${keys}" --checksig "${WORK}/agent.rpm")" || return 1
  [[ "${said}" == *": "*"signatures OK" ]] || return 1 # an unsigned package has good digests and no signature
  name="$(within 60 rpm --query --package --queryformat '%{NAME}' "${WORK}/agent.rpm")" || return 1
  version="$(within 60 rpm --query --package --queryformat '%{VERSION}-%{RELEASE}' "${WORK}/agent.rpm")" || return 1
  [ "${name}" = ds_agent ] &&
    [ "$(printf '%s\n' "${MINIMUM}" "${version}" | sort --version-sort | head --lines=1)" = "${MINIMUM}" ]
}

activate() {
  within 120 "${AGENT_HOME}/dsa_control" -a "${ACTIVATION_URL}" "tenantID:${TENANT}" "token:${TOKEN}" "policyid:${POLICY_ID}" \
    >/dev/null 2>&1
}

# The agent itself says that it has a manager and that its modules work.
healthy() {
  local status
  status="$(within 30 "${AGENT_HOME}/dsa_query" -c GetAgentStatus 2>/dev/null)" &&
    [[ "${status}" == *"AgentStatus.dsmUrl: https://"* && "${status}" == *"AgentStatus.agentState: green"* ]]
}

if [ "${1:-}" = restart ]; then
  STEP=restart
  INSTANCE="$(cat "${INSTANCE_ID_FILE}")"
  persist healthy
  release
  exit 0
fi

rm -f "${FLAG}"
hold_kubelet
INSTANCE="$(cat "${INSTANCE_ID_FILE}")"
WORK="$(mktemp -d)"

STEP=secret
persist fetch_secret
TENANT="$(printf '%s' "${SECRET}" | jq --exit-status --raw-output .tenantId 2>/dev/null)"
TOKEN="$(printf '%s' "${SECRET}" | jq --exit-status --raw-output .token 2>/dev/null)"
MINIMUM="$(printf '%s' "${SECRET}" | jq --exit-status --raw-output .minimumVersion 2>/dev/null)"
printf '%s' "${SECRET}" | jq --exit-status --raw-output .signingKey >"${WORK}/signer.asc" 2>/dev/null
unset SECRET

STEP=download
persist download

STEP=signature
genuine

STEP=install
within 300 rpm --install --quiet "${WORK}/agent.rpm" >/dev/null 2>&1
within 60 systemctl enable --now ds_agent >/dev/null 2>&1

STEP=activate
persist activate
unset TENANT TOKEN

STEP=verify
persist healthy

STEP=release-kubelet
report activated || true # a protected node may join even when its report is lost
release
