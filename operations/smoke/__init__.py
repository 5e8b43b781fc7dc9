"""The smoke test after a deployment: what the outside world sees of a stack."""
