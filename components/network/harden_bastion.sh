# Hardens an Amazon Linux 2023 host into a bastion; run once as root at first boot.
# Holds no secret and fetches none. SSH is closed first and opens last: only where HARDENED exists, and only while the
# audit and the shipping of logs run. A host that was not hardened to the end has no SSH, and its silence rings an alarm.
# shellcheck shell=bash
set -euo pipefail
: "${LOG_GROUP:?the CloudWatch log group of this host}"

retry() {
  # The host boots before its address is attached, so the first downloads may fail.
  local attempt
  for attempt in $(seq 30); do
    "$@" && return 0
    echo "attempt ${attempt} of 30 failed: $*" >&2
    sleep 10
  done
  return 1
}

# --- SSH stays closed until everything below has worked ------------------------------------------------------------------
HARDENED=/etc/softpos/hardened
rm -f "${HARDENED}"
mkdir -p /etc/softpos /etc/systemd/system/sshd.service.d
cat >/etc/systemd/system/sshd.service.d/10-softpos.conf <<UNIT
[Unit]
ConditionPathExists=${HARDENED}
Requires=auditd.service amazon-cloudwatch-agent.service
After=auditd.service amazon-cloudwatch-agent.service
UNIT
systemctl daemon-reload
systemctl stop sshd.socket sshd

# --- Who may log in: each administrator with an account and a key ---------------------------------------------
NAMED=
while read -r person key; do
  [[ -n "${person}" ]] || continue
  id "${person}" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "${person}"
  install -d -m 0700 "/home/${person}/.ssh"
  # The security key asks for a PIN at each log-in: two factors (PCI DSS 8.4.2).
  printf 'verify-required %s\n' "${key}" >"/home/${person}/.ssh/authorized_keys"
  chmod 0600 "/home/${person}/.ssh/authorized_keys"
  chown -R "${person}:${person}" "/home/${person}/.ssh"
  printf '%s ALL=(ALL) NOPASSWD: ALL\n' "${person}" >"/etc/sudoers.d/softpos-${person}"
  chmod 0440 "/etc/sudoers.d/softpos-${person}"
  NAMED="${NAMED:+${NAMED} }${person}"
done <<<"${ADMINISTRATORS}"
ALLOWED="${NAMED:-ec2-user}"
if [[ -n "${NAMED}" ]]; then
  # The account of everybody is nobody's: its key and its right to become root go.
  rm -f /home/ec2-user/.ssh/authorized_keys /etc/sudoers.d/90-cloud-init-users
  usermod --lock --expiredate 1 ec2-user
fi

# --- SSH: keys only, named accounts, no agent, no way further but the forwarding that administration needs ----------------
install -m 0600 /dev/stdin /etc/ssh/sshd_config.d/10-softpos.conf <<SSHD
AllowUsers ${ALLOWED}
AuthenticationMethods publickey
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
MaxAuthTries 3
MaxSessions 4
LoginGraceTime 30
ClientAliveInterval 300
ClientAliveCountMax 2
AllowAgentForwarding no
AllowTcpForwarding local
GatewayPorts no
PermitTunnel no
X11Forwarding no
PermitUserEnvironment no
LogLevel VERBOSE
Banner /etc/issue.net
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp384,ecdh-sha2-nistp521
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
SSHD
echo 'Authorized use only. Everything done here is recorded.' >/etc/issue.net
sshd -t

# --- An idle shell ends after 15 minutes (PCI DSS 8.2.8) ------------------------------------------------------------------
echo 'readonly TMOUT=900; export TMOUT' >/etc/profile.d/softpos-idle.sh
chmod 0644 /etc/profile.d/softpos-idle.sh

# --- Packages: newest security updates, who logs in and what runs goes to CloudWatch --------------------------------------
# Without its package EC2 Instance Connect adds no keys: the key pair is the only one.
retry dnf -y remove ec2-instance-connect
retry dnf -y upgrade --releasever=latest --security
retry dnf -y install amazon-cloudwatch-agent audit rsyslog
systemctl daemon-reload

# --- Every command by a person, and every change of what guards the host --------------------------------------------------
# Amazon Linux ships a rule that switches the auditing of system calls off.
rm -f /etc/audit/rules.d/audit.rules
{
  echo '-D'
  echo '-b 8192'
  echo '-f 1'
  echo '-a always,exit -F arch=b64 -S execve,execveat -F auid>=1000 -F auid!=unset -k command'
  if [[ "$(uname -m)" == x86_64 ]]; then
    echo '-a always,exit -F arch=b32 -S execve,execveat -F auid>=1000 -F auid!=unset -k command'
  fi
  # A forward is a connection that sshd makes as the person: who, where to and when.
  echo '-a always,exit -F arch=b64 -S connect -F auid>=1000 -F auid!=unset -k forward'
  echo '-a always,exit -F arch=b64 -S adjtimex,settimeofday,clock_settime -k time'
  for guarded in /etc/ssh /etc/sudoers /etc/sudoers.d /etc/passwd /etc/shadow /etc/group /etc/audit /etc/pam.d; do
    echo "-w ${guarded} -p wa -k identity"
  done
  for person in ${ALLOWED}; do
    echo "-w /home/${person}/.ssh -p wa -k identity"
  done
  echo '-w /var/log/audit -p wa -k audit-log'
  echo '-e 2'
} >/etc/audit/rules.d/50-softpos.rules
augenrules --load
systemctl enable --now auditd rsyslog

# --- Kernel: no routing, no redirects, addresses of the kernel hidden -----------------------------------------------------
install -m 0644 /dev/stdin /etc/sysctl.d/60-softpos.conf <<'SYSCTL'
net.ipv4.ip_forward = 0
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.tcp_syncookies = 1
kernel.kptr_restrict = 2
kernel.dmesg_restrict = 1
kernel.yama.ptrace_scope = 1
fs.suid_dumpable = 0
SYSCTL
sysctl --system

install -m 0640 /dev/stdin /opt/aws/amazon-cloudwatch-agent/etc/softpos.json <<AGENT
{
  "agent": {"run_as_user": "root"},
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {"file_path": "/var/log/secure", "log_group_name": "${LOG_GROUP}", "log_stream_name": "{instance_id}/secure"},
          {"file_path": "/var/log/audit/audit.log", "log_group_name": "${LOG_GROUP}", "log_stream_name": "{instance_id}/audit"}
        ]
      }
    }
  }
}
AGENT
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
  -a fetch-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/softpos.json

# --- A sign of life in each stream, so that silence means a fault ---------------------------------------------------------
cat >/etc/systemd/system/softpos-heartbeat.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/usr/bin/logger -p authpriv.notice softpos-heartbeat-secure
ExecStart=/usr/sbin/auditctl -m softpos-heartbeat-audit
UNIT
cat >/etc/systemd/system/softpos-heartbeat.timer <<'UNIT'
[Timer]
OnBootSec=1min
OnUnitActiveSec=10min
[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --now softpos-heartbeat.timer

# --- Open, after a look at what must run -----------------------------------------------------------------------------------
systemctl is-active --quiet auditd rsyslog amazon-cloudwatch-agent
RULES="$(auditctl -l)"
[[ "${RULES}" == *key=command* && "${RULES}" == *key=forward* ]]
touch "${HARDENED}"
systemctl start sshd
