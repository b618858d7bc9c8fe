"""The command line: parse, call, print. Imported by nothing."""
