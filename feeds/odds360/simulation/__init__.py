"""The provider, made up: matches in time, what they are worth, the shapes that tell of them, and what goes wrong on the way."""
