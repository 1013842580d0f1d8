"""Objects that the judge made, as a scenario hands them to a function."""


def test_proxies_behave_as_what_a_program_makes(run):
    seen = run("""
        from grader.runtime.agent import channel, memory, queues, synchronize
        import multiprocessing as mp

        here = channel.current()
        guard = here.create("lock", flavour="RLock", number=1)
        cell = here.create("memory", typecode="i", data=b"\\x05\\0\\0\\0", lock=guard, length=-1)
        row = here.create("memory", typecode="h", data=bytes(6), lock=guard, length=3)
        flag = here.create("memory", typecode="?", data=b"\\1", length=-1)
        value, array = memory.proxy(cell, "i", -1, guard), memory.proxy(object=row, typecode="h", length=3, lock=guard)
        lock = synchronize.proxy(here.create("lock", flavour="Lock", number=1), "Lock")
        semaphore = synchronize.proxy(here.create("lock", flavour="BoundedSemaphore", number=2), "BoundedSemaphore", 2)
        queue = queues.proxy(here.create("queue", number=1), maxsize=1)
        joinable = queues.proxy(here.create("queue"), flavour="JoinableQueue")
        simple = queues.proxy(here.create("queue", simple=True), flavour="SimpleQueue")
        event = synchronize.proxy_event(here.create("event"))
        condition = synchronize.proxy_condition(here.create("condition", lock=guard), value.get_lock())

        def work(value, array, lock, queue, event, condition):
            with lock, value.get_lock(), condition:
                value.value += 1
                array[1] += 7
                event.set()
                condition.notify()
            queue.put([value.value, array[:]])

        print(value, array, lock, semaphore, memory.proxy(flag, "?"))
        for ctx in (mp, mp.get_context("spawn")):
            if __name__ == "__main__":
                arguments = (value, array, lock, queue, event, condition)
                p = ctx.Process(target=work, args=arguments); p.start(); print(queue.get(), event.is_set()); p.join()
        joinable.put(1); joinable.get(); joinable.task_done(); joinable.join(); simple.put(2)
        with semaphore: print(simple.get(), queue.full(), semaphore.get_value(), type(value), type(queue))
    """)
    assert seen.stuck == {}
    lines = seen.out[0].splitlines()
    assert lines[0].startswith("<Synchronized wrapper for c_int(5)> <SynchronizedArray wrapper for <multi")
    assert lines[0].endswith(" <Lock(owner=None)> <BoundedSemaphore(value=2, maxvalue=2)> c_bool(True)")
    assert lines[1:3] == ["[6, [0, 7, 0]] True", "[7, [0, 14, 0]] True"]
    names = "<class 'multiprocessing.sharedctypes.Synchronized'> <class 'multiprocessing.queues.Queue'>"
    assert lines[3] == f"2 False 1 {names}"
