"""What only the report of a semantic segmentation has."""
