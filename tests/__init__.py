"""The tests of fwdrev: a property by file, over one table of engines and problems."""
