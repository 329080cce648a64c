"""The write-up of an experiment: from its records and the run folders that they name to a document."""
