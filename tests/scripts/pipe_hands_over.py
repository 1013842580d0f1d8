"""What was written before a message was sent is seen by who has received it: no lock is needed."""

from multiprocessing import Pipe, Process, Value


def child(conn, value):
    value.value = 5
    conn.send("ready")


if __name__ == "__main__":
    value = Value("i", 0, lock=False)
    here, there = Pipe()
    process = Process(target=child, args=(there, value))
    process.start()
    here.recv()
    value.value += 1
    print(value.value)
    process.join()
