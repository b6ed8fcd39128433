"""The pipe ``ranit``."""
