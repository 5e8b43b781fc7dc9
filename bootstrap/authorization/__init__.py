"""Renews `facts/authorization.csv` from AWS's service authorization reference."""
