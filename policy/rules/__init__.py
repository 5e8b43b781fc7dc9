"""One room per service of AWS, and one for Kubernetes."""
