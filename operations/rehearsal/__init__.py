"""The whole deployment played on a stand-in cloud: no account, no Pulumi CLI, nothing created."""
