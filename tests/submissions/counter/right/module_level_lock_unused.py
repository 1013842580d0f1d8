import multiprocessing

print_lock = multiprocessing.Lock()


def say(*words):
    with print_lock:
        print(*words)


def increment_counter(counter, lock):
    with lock:
        counter.value += 1
        seen = counter.value
    say("incremented to", seen)


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    ps = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    say("total", counter.value)
    return counter.value
