import multiprocessing as mp


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(0, len(shared_array), 1):
            shared_array[i] += 1


def call(function, *args, **kwargs):
    return function(*args, **kwargs)


def run_updates(typecode, initial, processes):
    value, lock = mp.Value(typecode, initial), mp.Lock()
    team = {
        f"p{n}": mp.Process(target=call, args=(update_shared_value, value), kwargs={"lock": lock})
        for n in range(processes)
    }
    for name in team:
        team[name].start()
    for name, process in team.items():
        process.join()
    return value.value
