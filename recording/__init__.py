"""Any Pulumi program, recorded on a stand-in cloud: no account, no Pulumi CLI, nothing created."""
