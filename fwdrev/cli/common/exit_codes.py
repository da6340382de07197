"""The exit codes of the command. Light to import: they hold also where nothing else can be loaded."""

EXIT_REGRESSION, EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_NOTHING, EXIT_INTERNAL, EXIT_INTERRUPTED = 1, 2, 3, 4, 5, 130
"""Slower, or more operations, and nothing else; wrong usage or input; inconclusive; nothing measured or compared; an
error that is not the user's; stopped by Ctrl-C, which is 128 + SIGINT, as shells count."""
