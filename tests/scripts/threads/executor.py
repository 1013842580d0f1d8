"""Two workers of a `ThreadPoolExecutor`."""

from concurrent.futures import ThreadPoolExecutor


def square(number):
    print(number)
    return number * number


if __name__ == "__main__":
    with ThreadPoolExecutor(2) as pool:
        print(list(pool.map(square, range(2))))
