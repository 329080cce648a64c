"""Detection networks, a file each; its name is its name in the settings."""
