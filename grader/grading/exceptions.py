"""Exceptions of a submission in one line of a report. Start at `told`."""

from grader.core.operations import Failure

_MOST = 300
_SENTENCE_ENDS = (".", "!", "?", "…")
_SILENT = {
    "Empty": "queue.Empty: there was nothing on the queue",
    "Full": "queue.Full: there was no room on the queue",
    "BrokenBarrierError": "threading.BrokenBarrierError: the barrier is broken",
    "AssertionError": "AssertionError: what it asserts is not true",
    "KeyboardInterrupt": "KeyboardInterrupt: it was interrupted",
}
"""What exceptions mean that mostly come without any text."""


def told(failure: Failure) -> str:
    """Type and text of an exception in one line; only the first paragraph of a long text."""
    kind, text = " ".join(failure.type.split()), first_paragraph(failure.message)
    return f"{kind}: {text}" if text else _SILENT.get(kind, kind)


def first_paragraph(text: str) -> str:
    """The first paragraph of a text as one line, bounded."""
    paragraph: list[str] = []
    for line in text.strip().splitlines():
        if not line.strip():
            break
        paragraph.append(" ".join(line.split()))
    found = " ".join(paragraph)
    return found if len(found) <= _MOST else found[:_MOST].rpartition(" ")[0] + " …"


def sentence(text: str) -> str:
    """The text with a full stop behind it, if it has none."""
    return text if text.endswith(_SENTENCE_ENDS) else f"{text}."
