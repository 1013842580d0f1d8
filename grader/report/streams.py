"""Text as UTF-8 on a stream, whatever the locale says: for documents that others read. Start at `write_utf8`."""

from typing import TextIO


def write_utf8(text: str, stream: TextIO) -> None:
    """Write `text` behind what the stream holds already. One of text only, `io.StringIO` say, takes it as it is."""
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(text)
        return
    stream.flush()
    binary.write(text.encode("utf-8"))
    binary.flush()
