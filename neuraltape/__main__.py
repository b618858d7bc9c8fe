"""`python -m neuraltape` is the command `neuraltape`."""

from neuraltape.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
