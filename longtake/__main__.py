"""`python -m longtake` is the command `longtake`."""

from longtake.cli.main import main

main()
