"""Golden records: what the grader says today of every submission of the corpus, and of the litmus programs.

`python -m tests.golden` shows where it says something else than the records do; `--update` writes them anew. Reading
starts at `__main__`. The records are made by one minor version of Python (`files.PYTHON`), because messages and line
numbers may differ in others, and without free runs, which are random by nature. What attacks the isolation is recorded
under the strongest level of it (`NS`). Whoever changes what is recorded names it in the commit that does.
"""
