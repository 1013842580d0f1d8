import multiprocessing


def work():
    print("working")


spawn = multiprocessing.get_context("spawn")
process = spawn.Process(target=work)
process.start()
process.join()
print("exit code", process.exitcode)
