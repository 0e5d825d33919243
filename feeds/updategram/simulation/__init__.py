"""The provider's side, made up: matches, their prices, and the documents that tell of them."""
