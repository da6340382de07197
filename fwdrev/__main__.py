"""`python -m fwdrev` is the command `fwdrev`."""

from fwdrev.bench.cli import main

if __name__ == "__main__":
    main()
