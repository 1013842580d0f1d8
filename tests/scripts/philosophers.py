from multiprocessing import Lock, Process


def eat(left, right, name):
    with left, right:
        print(name, "eats")


if __name__ == "__main__":
    forks = [Lock() for _ in range(3)]
    philosophers = [Process(target=eat, args=(forks[i], forks[(i + 1) % 3], f"no. {i}")) for i in range(3)]
    for philosopher in philosophers:
        philosopher.start()
    for philosopher in philosophers:
        philosopher.join()
