"""Several videos: which are meant, fair shares for each, and their names in the answer."""
