"""The command `fwdrev`: `app` is its table of contents, each other module holds what a few of its commands do.

Only these modules see every package, print and exit; nothing imports them. Each imports what a command needs when that
command runs, so that `fwdrev --help` is quick.
"""
