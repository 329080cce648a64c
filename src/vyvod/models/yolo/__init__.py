"""What the YOLO networks share: layers, decoding, suppression, assignment and losses."""
