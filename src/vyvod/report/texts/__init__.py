"""The words of the report, English and Russian: those of every report, and those of each task."""
