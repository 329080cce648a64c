"""What only the report of an autoencoder has."""
