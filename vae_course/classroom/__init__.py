"""For teachers: notebooks for students without the solutions, and grades for what comes back (level 6).

`release` makes the students' notebooks, `grading` the verdicts, `nbgrading` the gradebook and the feedback pages.
A student's code runs in a process of its own (`nursery`), behind limits (`limits`, `walls`); only values come back from
it (`wire`), and they are judged in the grader's process.
"""
