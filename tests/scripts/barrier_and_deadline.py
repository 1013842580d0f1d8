"""`Barrier.wait` does several things in one line, and a deadline may pass at any of them."""

from multiprocessing import Barrier, Process


def meet(barrier):
    barrier.wait()


if __name__ == "__main__":
    barrier = Barrier(2)
    processes = [Process(target=meet, args=(barrier,), daemon=True) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(10)
    print([process.exitcode for process in processes])
