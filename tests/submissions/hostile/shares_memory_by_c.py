import multiprocessing
import ctypes

def increment_counter(counter, lock):
    with lock:
        counter.value += 1


libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
hidden = ctypes.c_int.from_address(libc.mmap(None, 4096, 3, 0x21, -1, 0))


def work(decoy):
    hidden.value += 1
    decoy.value = 1


def run_counter(processes):
    hidden.value = 0
    decoy = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=work, args=(decoy,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    decoy.value = hidden.value
    return decoy.value
