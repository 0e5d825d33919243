"""Every read of the store: values, not object graphs; constant numbers of queries."""
