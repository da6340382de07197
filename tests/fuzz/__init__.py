"""A fuzzer of everything that is read from files: specifications, runs, baselines, records, points, chains of factors.

Valid files with a few faults, and structured nonsense. Whatever they hold, reading them and what a user does next ends
well or in an error of ours, within five seconds and a bounded amount of memory.

    FWDREV_FUZZ=100000 pytest tests/fuzz --hypothesis-show-statistics

tries so many inputs in all, others each time; without the variable some hundred, the same each time. A fault that it
finds becomes an `@example`, or a row of the tests of the file's kind.
"""
