"""python -m lossary is the command."""

from lossary.cli import main

main()
