"""Stage 5: from the records of a run folder to pages. Never sees a live network."""
