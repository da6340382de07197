"""`python -m fwdrev` is the command `fwdrev`."""

from fwdrev.bench.cli.app import main

if __name__ == "__main__":
    main()
