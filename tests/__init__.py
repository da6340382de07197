"""The tests of fwdrev: each file checks one property over a table of engines and problems."""
