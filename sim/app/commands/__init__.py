"""The commands of ``lendsim``, one theme a file; everything heavy is imported when a command runs, not before."""
