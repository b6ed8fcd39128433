"""RANIT in spaCy: the pipe ``ranit``."""
