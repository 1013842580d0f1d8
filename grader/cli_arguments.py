"""What arguments of several commands have in common: numbers that are checked, and how grading is done.

Start at `add_grading`.
"""

import argparse
import math


def add_grading(parser: argparse.ArgumentParser, secret: str) -> None:
    """The arguments of commands that grade; `secret` names the one that decides where none is given."""
    parser.add_argument(
        "--budget",
        type=positive,
        metavar="N",
        help="try so many orders at most for each part of a check (default: 200)",
    )
    parser.add_argument("--seed", metavar="TEXT", help=f"draw random orders by this (default: {secret})")
    parser.add_argument("--unsafe", action="store_true", help="do not close off the code: limits only")


def seconds(text: str) -> float:
    """A time above 0. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number


def count(text: str) -> int:
    """A whole number from 0 up. Raises ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return number


def positive(text: str) -> int:
    """A whole number from 1 up. Raises ArgumentTypeError."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number
