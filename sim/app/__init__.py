"""The faces: the command line and the web."""
