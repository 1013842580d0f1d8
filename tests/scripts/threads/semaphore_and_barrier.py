"""Two threads meet at a barrier; then one at a time goes on."""

import threading

barrier = threading.Barrier(2)
one = threading.BoundedSemaphore(1)
inside = []


def work(number):
    barrier.wait()
    with one:
        inside.append(number)
        assert len(inside) == 1
        inside.pop()


if __name__ == "__main__":
    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("through")
