import multiprocessing
import posix

def increment_counter(counter, lock):
    with lock:
        counter.value += 1



def work(decoy, out):
    posix.write(out, b"x")
    decoy.value = 1


def run_counter(processes):
    reader, writer = posix.pipe()
    decoy = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=work, args=(decoy, writer)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    decoy.value = len(posix.read(reader, 1000))
    return decoy.value
