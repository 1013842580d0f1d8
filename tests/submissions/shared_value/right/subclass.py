from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


class Updater(Process):
    def __init__(self, value, lock, number):
        Process.__init__(self, name="updater %d" % number)
        self.value, self.lock = value, lock

    def run(self):
        update_shared_value(self.value, self.lock)


class Team:
    def __init__(self, typecode, initial):
        self.value = Value(typecode, initial)
        self.lock = Lock()
        self.members = []

    def hire(self, count):
        self.members.extend(Updater(self.value, self.lock, n) for n in range(count))

    def work(self):
        for member in self.members:
            member.start()
        for member in self.members:
            member.join()
        return self.value.value


def run_updates(typecode, initial, processes):
    team = Team(typecode, initial)
    team.hire(processes)
    return team.work()
