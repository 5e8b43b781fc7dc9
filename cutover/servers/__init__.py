"""The servers and services that a migration meets, each with its own words."""
