"""Metrics of detection by subject: columns of boxes, COCO's values, matches, confidences, suspicious labels."""
