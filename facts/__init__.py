"""What is known of AWS, as dated data with its sources: tables, and readers without logic."""
