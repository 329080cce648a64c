"""The data sets that come with the program, a file each; its name is its name in the settings."""
