"""A terminal as the reports see it: how wide, in colour or not, and which characters it can show.

Start at `console`. `fit` replaces what the output's encoding lacks, before anything is measured or aligned.
"""

import os
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_NARROWEST, _WIDEST = 40, 120

_PLAINER = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "–": "-",  # noqa: RUF001 (an en dash is what it is)
        "─": "-",
        "│": "|",
        "·": "-",
        "→": "->",
        "←": "<-",
        "…": "...",
        "●": "o",
        "◆": "*",
        "▸": ">",
        "“": '"',
        "”": '"',
        "‘": "'",  # noqa: RUF001 (a quotation mark)
        "’": "'",  # noqa: RUF001 (a quotation mark)
    }
)


def console(file: TextIO, width: int | None = None) -> Console:
    """A console for `file`: markup, emoji and guessing at highlights are off; `NO_COLOR` means no escape at all."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    made = Console(
        file=file,
        markup=False,
        emoji=False,
        highlight=False,
        color_system=None if plain else "auto",
        width=width,
    )
    made.width = max(_NARROWEST, min(made.width, _WIDEST))
    return made


def fit(text: str, encoding: str) -> str:
    """`text` in characters that `encoding` has."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_fit_character(character, encoding) for character in text)
    return text


def _fit_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        plainer = character.translate(_PLAINER)
        return plainer.encode(encoding, "backslashreplace").decode(encoding)
    return character


class Pen:
    """Makes rich texts for one console; a string never becomes markup."""

    def __init__(self, to: Console) -> None:
        self.console = to
        self.width = to.width
        self._encoding = to.encoding

    def text(self, content: str, style: str = "") -> Text:
        """`content` in characters that the console has, in one style."""
        return Text(fit(content, self._encoding), style=style)

    def width_of(self, content: str) -> int:
        """How many columns `content` takes, in the characters that the console has."""
        return cell_len(fit(content, self._encoding))

    def joined(self, *parts: tuple[str, str]) -> Text:
        """Several pieces in a row, each a string and its style."""
        return Text.assemble(*(self.text(content, style) for content, style in parts))

    def cut(self, text: Text, width: int) -> Text:
        """`text` on one line of at most `width` columns."""
        if text.cell_len <= width:
            return text
        more = self.text("…")
        short = text.copy()
        short.truncate(width - more.cell_len, overflow="crop")
        return short.append_text(more)

    def hanging(self, text: Text, width: int, indent: int = 4) -> Text:
        """`text` on lines of at most `width` columns, all but the first indented.

        So no name, however long, can make a line that looks as if the grader had written it.
        """
        lines = text.wrap(self.console, width, overflow="fold", no_wrap=False)
        if len(lines) < 2:
            return text
        first = lines[0]
        rest = text[len(first) :]
        rest = rest[len(rest.plain) - len(rest.plain.lstrip(" ")) :]
        below = rest.wrap(self.console, width - indent, overflow="fold", no_wrap=False)
        return Text("\n").join([first, *(Text(" " * indent) + line for line in below)])

    def ruled(self, title: Text) -> Text:
        """A heading: `title`, and a line from there to the right margin."""
        short = self.cut(title, self.width - 3)
        return short + self.text(" " + "─" * (self.width - short.cell_len - 1), "dim")
