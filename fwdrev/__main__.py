"""`python -m fwdrev` is the command `fwdrev`."""

from fwdrev.cli.app import main

if __name__ == "__main__":
    main()
