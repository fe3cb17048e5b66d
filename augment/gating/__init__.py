"""The gate: whose faces it looks at, what is asked of them, and what checks make of it."""
