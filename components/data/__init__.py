"""The data tier: Aurora MySQL (or RDS for MySQL) and ElastiCache."""
