"""The numbers of a README against those of the run, computed anew from its files."""
