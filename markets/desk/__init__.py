"""Pages and forms of the operators. Reads selectors, calls services, never writes by itself."""
