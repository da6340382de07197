"""A fuzzer for all files that fwdrev reads: specifications, runs, baselines, records, points, chains of factors.

It takes valid files with a few faults, and structured nonsense. Whatever they hold, reading and using them must end
well or in an error of ours, within five seconds and a bounded amount of memory.

FWDREV_FUZZ=100000 pytest tests/fuzz --hypothesis-show-statistics

tries this many inputs in all, different ones each time; without the variable, the same few hundred. A fault that it
finds becomes an `@example`, or a row of the tests of the file's kind.
"""
