"""The components that make sense alone, for every Pulumi language."""
