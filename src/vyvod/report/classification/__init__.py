"""What only the report of a classifier has."""
