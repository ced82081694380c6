"""The sections of a report, a file each; in a workbook each is a sheet."""
