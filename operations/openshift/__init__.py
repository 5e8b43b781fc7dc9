"""From OpenShift to this product: a verdict on each object of an export, and the settings that result."""
