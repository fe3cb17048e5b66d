"""Reading a data set for the audit: bins, compact columns, repeated pictures, plot files."""
