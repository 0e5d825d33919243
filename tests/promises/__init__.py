"""Promises proved on whole desks: real processes, spoken to as providers, bookmakers and traders do."""
