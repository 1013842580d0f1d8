import multiprocessing


def update_shared_value(shared_value, lock):
    lock.acquire()
    shared_value.value = shared_value.value + 1
    lock.release()


def update_shared_array(shared_array, lock):
    lock.acquire()
    i = 0
    while i < len(shared_array):
        shared_array[i] = shared_array[i] + 1
        i = i + 1
    lock.release()


class Crew:
    def __init__(self, target, args, size):
        self.members = {n: multiprocessing.Process(target=target, args=args) for n in range(size)}
        self.rounds = 0

    def start(self):
        for member in self.members.values():
            member.start()

    def wait(self):
        while self.members:
            self.rounds += 1
            print("." if self.rounds % 60 else ".\n", end="", flush=True)
            for number in list(self.members):
                self.members[number].join(timeout=0.1)
                if self.members[number].exitcode is not None:
                    del self.members[number]
        print()


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    crew = Crew(update_shared_value, (shared_value, lock), processes)
    crew.start()
    crew.wait()
    return shared_value.value
