"""What only the report of an object detection has."""
