"""The umpire's feed, made up: packets of a match, the streams that carry them, and what goes wrong with both."""
