"""The only modules that open connections to providers."""
