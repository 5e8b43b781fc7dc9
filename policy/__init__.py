"""PCI DSS v4.0.1 as a Pulumi policy pack for AWS and Kubernetes: see README.md."""
