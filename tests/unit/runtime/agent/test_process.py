"""`Process` under control: Python's own rules above, operations below."""


def test_a_program_counts(run):
    seen = run("""
        from multiprocessing import Process, Value, Lock
        def work(v, lock):
            with lock:
                v.value += 1
        if __name__ == "__main__":
            v, lock = Value("i", 0), Lock()
            ps = [Process(target=work, args=(v, lock)) for _ in range(2)]
            for p in ps: p.start()
            for p in ps: p.join()
            print(v.value, ps[1])
            result = v.value
    """)
    assert seen.out[0] == "2 <Process name='Process-2' pid=1002 parent=1000 stopped exitcode=0>\n"
    work = ["lock.acquire", "memory.read", "memory.write", "lock.release", "process.exit"]
    assert seen.kinds(1) == seen.kinds(2) == work
    join = ["process.start"] * 2 + ["process.join"] * 2
    assert seen.kinds(0) == [*join, "memory.read", "memory.read", "process.return", "process.exit"]
    assert [operation["line"] for _, operation in seen.operations if operation["kind"] == "memory.write"] == [
        5,
        5,
    ]
