"""What `sys.exit` leaves behind is closed before the children are waited for."""

import multiprocessing as mp
import sys


def child(reader, writer):
    writer.close()
    try:
        reader.recv()
    except EOFError:
        print("nobody sends any more")


def main():
    reader, writer = mp.Pipe(duplex=False)
    mp.Process(target=child, args=(reader, writer)).start()
    print("leaving")
    sys.exit(0)


if __name__ == "__main__":
    main()
