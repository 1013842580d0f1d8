import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    workers = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


def main():
    mp.freeze_support()
    mp.set_start_method("spawn")
    total = run_counter(5)
    assert total == 5, total
    print("ok", total)


if __name__ == "__main__":
    main()
