"""CloudTrail, Config, GuardDuty, Inspector, Security Hub, alarms and the dashboard."""
