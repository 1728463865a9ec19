"""Commands, printing and exit codes; `main` is the program's entry, the rest loads on demand."""
