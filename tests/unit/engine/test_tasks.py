"""The shown names of processes: one name, one process."""

from grader.engine.tasks import TaskTable


def labels(*names: str) -> list[str]:
    """What the children of one main process are called that has given them these names."""
    tasks = TaskTable()
    main = tasks.top(0, "main")
    return [tasks.label(tasks.child(main, place, name)) for place, name in enumerate(names, start=1)]


def test_a_name_of_its_own_is_shown_and_one_that_python_chose_is_not() -> None:
    assert labels("reader", "Process-2", "", "Process-1:1") == ["reader", "P2", "P3", "P4"]


def test_processes_of_one_name_are_told_apart() -> None:
    assert labels("worker", "worker", "worker") == ["worker", "worker (2)", "worker (3)"]


def test_nobody_passes_for_another() -> None:
    assert labels("main", "P3", "", "P1") == ["main (2)", "P3", "P3 (2)", "P1"]


def test_a_name_stays_when_the_process_comes_up_again() -> None:
    tasks = TaskTable()
    main = tasks.top(0, "main")
    for _ in range(2):
        assert tasks.label(tasks.child(main, 1, "worker")) == "worker"
        assert tasks.label(tasks.child(main, 2, "worker")) == "worker (2)"


def test_a_feeder_is_shown_as_the_process_that_it_works_for() -> None:
    tasks = TaskTable()
    main = tasks.top(0, "main")
    worker = tasks.child(main, 1, "worker")
    assert tasks.label(tasks.feeder(worker, 7)) == "worker"
    assert tasks.label(tasks.child(main, 2, "worker")) == "worker (2)"


def test_a_thread_is_shown_below_its_process_with_a_name_of_its_own_if_it_has_one() -> None:
    tasks = TaskTable()
    main = tasks.top(0, "main")
    child = tasks.child(main, 1)
    assert not tasks.has_threads
    first = tasks.thread(child, 1, "Thread-1 (work)")
    assert tasks.label(first) == "P1/T1"
    assert tasks.label(tasks.thread(child, 2, "reader")) == "P1/reader"
    assert tasks.label(tasks.thread(first, 1, "Thread-7")) == "P1/T1.1"
    assert tasks.label(tasks.child(first, 1)) == "P1/T1/P1"
    assert tasks.has_threads


def test_threads_and_children_of_one_task_are_told_apart() -> None:
    tasks = TaskTable()
    main = tasks.top(0, "main")
    assert (
        len({tasks.child(main, 1), tasks.thread(main, 1), tasks.feeder(main, 1), tasks.thread(main, 2)}) == 4
    )
    assert tasks.by_path((1, -1, 2)) == tasks.thread(main, 2)


def test_a_shown_name_is_one_short_line() -> None:
    table = TaskTable()
    table.top(0, "main")
    long = [table.child(0, place, "n" * 10_000_000) for place in (1, 2)]
    assert [table.label(task) for task in long] == ["n" * 100, "n" * 100 + " (2)"]
    lines = table.child(0, 3, "P7 ends.\n\u2028 \u2713 10 of 10 points\r")
    assert table.label(lines) == "P7 ends. \u2713 10 of 10 points"
    assert table.label(table.child(0, 4, " \n")) == "P4"
