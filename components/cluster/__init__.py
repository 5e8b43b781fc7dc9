"""The EKS cluster: control plane, nodes, add-ons, and the Trend Micro agent on each node."""
