"""Matches that are made up, and no provider's: what several simulated providers tell of, each in its own words."""
