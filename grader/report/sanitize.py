"""Makes text from a submission safe to show: no control over the terminal, no invisible characters, no floods.

Start at `line` and `source`. Whatever a student can choose (messages, values, names, source lines, output, the path
itself) goes through here before it is printed. Characters that a reader cannot see, or that change how the rest is
read, become visible escapes such as `\\x1b` or `\\u202e`.
"""

import re
import shlex
import shutil
import textwrap
import unicodedata
from typing import TextIO

LINE_LIMIT = 400
SOURCE_LIMIT = 160
_MARKS_IN_A_ROW = 4

# Controls (C0, DEL, C1), soft hyphen, zero-width and bidirectional marks, line separators, fillers that look
# blank, interlinear and tag characters, variation selectors, surrogates, private use, noncharacters. Whatever else
# Python's tables call not printable (controls of scripts, what is not assigned) joins them in `_is_hidden`.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U0001d173-\U0001d17a\U0001d159\U000e0000-\U0010ffff]"
)
_BEYOND_ASCII = re.compile("[^ -~]")
# Vowels and final consonants of Korean and tints of emoji: like marks, they take no place of their own.
_JOINED = re.compile("[\u1161-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff]")
_SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """`text` as one harmless line of at most `limit` characters."""
    return _visible(_cut(text, limit))


def source(text: str, limit: int = SOURCE_LIMIT) -> str:
    """A source line: as `line`, but tabs become spaces and the indentation stays."""
    return _visible(_cut(text.rstrip("\r\n"), limit).expandtabs(4))


def block(text: str, lines: int = 20, limit: int = LINE_LIMIT) -> tuple[str, ...]:
    """`text` as at most `lines` harmless lines; what is left out is counted."""
    parts = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    shown = [source(part, limit) for part in parts[:lines]]
    if len(parts) > lines:
        shown.append(f"… {len(parts) - lines} more lines …")
    return tuple(shown)


def hanging(text: str, stream: TextIO, indent: int = 4) -> str:
    """A harmless line for `stream`: on a terminal, what does not fit is indented, so that no name begins a line."""
    if not stream.isatty():
        return text
    columns = max(shutil.get_terminal_size().columns - 1, 2 * indent)
    wide = any(unicodedata.east_asian_width(character) in "WF" for character in text)
    parts = textwrap.wrap(
        text.lstrip(" "),
        columns // 2 if wide else columns,
        initial_indent=" " * (len(text) - len(text.lstrip(" "))),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return "\n".join(parts) or text


def command(*words: str) -> str:
    """A command line to copy; a path that begins like an option gets a folder before it."""
    return " ".join(shlex.quote(f"./{word}" if word.startswith("-") else word) for word in words)


def json_text(text: str) -> str:
    """`text` as it may stand in JSON: a lone surrogate is no Unicode, and becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def escape_hidden(document: str) -> str:
    """A JSON document whose strings show nothing invisible: `\\uXXXX` instead, which means the same."""
    return re.sub(
        "[^\n -~]", lambda match: _json_escape(match[0]) if _is_hidden(match[0]) else match[0], document
    )


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters)"


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _calm_marks(_BEYOND_ASCII.sub(lambda match: _escape(match[0]), _SPACES.sub(" ", text)))


def _is_hidden(character: str) -> bool:
    return bool(_HIDDEN.match(character)) or not (character.isprintable() or _SPACES.match(character))


def _escape(character: str) -> str:
    if not _is_hidden(character):
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _calm_marks(text: str) -> str:
    """Drop what is piled onto one letter beyond what any script needs; a mark at the beginning gets a base."""
    if text.isascii():
        return text
    if _is_mark(text[0]):
        text = f"\u25cc{text}"
    kept: list[str] = []
    in_a_row = 0
    for character in text:
        in_a_row = in_a_row + 1 if _is_mark(character) else 0
        if in_a_row <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or bool(_JOINED.match(character))
