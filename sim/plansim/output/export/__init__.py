"""Results as files for other programs: tables, workbooks of figures, NetCDF, JSON."""
