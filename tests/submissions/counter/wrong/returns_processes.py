def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    return processes


if __name__ == '__main__':
    print(run_counter(5))
