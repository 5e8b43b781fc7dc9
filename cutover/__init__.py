"""The live move of the payment database to AWS: preflight, replication, cutover, and the way back."""
