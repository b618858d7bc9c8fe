"""What can be wrong with data."""


class DataError(ValueError):
    """A data file that can't be used; the message names the file, the place in it where known, and what was wrong."""
