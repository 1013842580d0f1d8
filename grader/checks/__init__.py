"""The checks of the three exercises, one pytest module each: a function is a check, its docstring the student's line.

They run in the judge, by `grader.grading.check`. The fixture `lab` explores a scenario; the marker `check` gives the
points, the function that is graded, and the checks that must have passed before.
"""
