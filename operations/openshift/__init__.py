"""From OpenShift to this product: exports read, each object with a verdict, and what can be converted written as settings."""
