"""The SoftPOS application on the cluster, and the repository of its image."""
