"""A file that is read has one position for all processes that were forked since: using it is announced."""

import pytest

from grader.runtime.agent.files import SHARED

SCRIPT = """
import io, os, pathlib
import multiprocessing as mp
page = {opened}

def child():
    {used}

if __name__ == "__main__":
    process = mp.Process(target=child)
    process.start()
    process.join()
    print("ended", process.exitcode)
"""
OPENED = {
    "os.open(os.__file__, os.O_RDONLY)": [
        "os.lseek(page, 1, os.SEEK_CUR)",
        "os.read(page, 1)",
        "os.readv(page, [bytearray(1)])",
        "os.fdopen(page)",
        "os.dup(page)",
        "io.open(page)",
    ],
    "open(os.__file__, 'rb', buffering=0)": [
        "page.seek(1, 1)",
        "page.tell()",
        "page.read(1)",
        "page.readall()",
        "page.readinto(bytearray(1))",
        "page.readline()",
        "page.read(None)",
    ],
    "open(os.__file__)": ["page.readline()", "page.seek(0)", "page.buffer.raw.seek(1, 1)"],
    "pathlib.Path(os.__file__).open('rb')": ["page.read()", "page.peek()"],
}


@pytest.mark.parametrize(("opened", "used"), [(one, use) for one, uses in OPENED.items() for use in uses])
def test_who_uses_a_file_of_another_process_says_so(run, opened, used):
    seen = run(SCRIPT.format(opened=opened, used=used))
    assert {operation["text"] for operation in seen.stuck.values() if operation.get("text")} == {SHARED}


@pytest.mark.parametrize(
    ("opened", "used"),
    [
        ("open(os.__file__)", "pass"),
        ("open(os.__file__)", "page.close()"),
        ("open(os.__file__).readlines()", "page[0]"),
        ("None", "open(os.__file__).read()"),
        ("None", "file = open(os.__file__, 'rb', 0); file.seek(5); assert file.tell() == 5; file.close()"),
        ("None", "file = os.open(os.__file__, 0); os.lseek(file, 3, 0); os.read(file, 2); os.close(file)"),
        ("os.close(os.open(os.__file__, 0))", "file = os.open(os.__file__, 0); os.read(file, 2)"),
        ("open(os.devnull, 'w')", "print(1, file=page, flush=True)"),
        ("os.open(os.devnull, os.O_RDWR)", "os.write(page, b'x'); os.read(page, 1)"),
        ("open(0)", "page.readline()"),
    ],
)
def test_what_is_a_process_s_own_is_free(run, opened, used):
    seen = run(SCRIPT.format(opened=opened, used=used))
    assert not seen.stuck
    assert seen.out[0] == "ended 0\n"


def test_a_file_object_is_what_python_gives(run):
    script = """
        import io, os
        for mode, options in (("r", {}), ("rb", {}), ("rb", {"buffering": 0}), ("r", {"encoding": "latin-1"})):
            with open(os.__file__, mode, **options) as file:
                print(type(file).__name__, file.mode, file.name == os.__file__, isinstance(file, io.IOBase))
                print(len(file.read(10)), file.tell(), getattr(file, "encoding", "").lower(), len(list(file)) > 5)
        for wrong in ({"mode": "rq"}, {"mode": "rb", "encoding": "utf-8"}, {"newline": "x"}, {"buffering": 0}):
            try:
                open(os.__file__, **wrong)
            except ValueError as error:
                print(error)
    """
    assert run(script).out[0].splitlines() == [
        *("TextIOWrapper r True True", "10 10 utf-8 True", "BufferedReader rb True True", "10 10  True"),
        *("FileIO rb True True", "10 10  True", "TextIOWrapper r True True", "10 10 latin-1 True"),
        "invalid mode: 'rq'",
        "binary mode doesn't take an encoding argument",
        "illegal newline value: x",
        "can't have unbuffered text I/O",
    ]
