"""The script's own end is open until it has ended, and it ends only after its child."""

import multiprocessing as mp


def child(reader, writer):
    writer.close()
    try:
        reader.recv()
    except EOFError:
        print("nobody sends any more")


if __name__ == "__main__":
    reader, writer = mp.Pipe(duplex=False)
    mp.Process(target=child, args=(reader, writer)).start()
