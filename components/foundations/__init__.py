"""What every component stands on: placement (names, ARNs, tags), keys, roles, log groups, buckets and alarms."""
