from multiprocessing import Process


def write():
    with open("written.txt", "a") as file:
        file.write("x")


if __name__ == "__main__":
    process = Process(target=write)
    process.start()
    process.join()
