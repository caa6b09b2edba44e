"""Runs the command: python -m lossary."""

from lossary.cli import main

main()
