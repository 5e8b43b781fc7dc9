"""The VPC with its three tiers, the bastion, and the VPN to the data centre."""
