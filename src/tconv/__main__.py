"""`python -m tconv` is the command `tconv`."""

from .cli import main

main()
