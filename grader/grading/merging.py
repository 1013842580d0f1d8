"""Puts together what the parts of a check rest on. Start at `merge`."""

from typing import Any

from grader.core.verdict import Dependence, Evidence


def merge(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    """One entry a level (another one for inputs that were tried), with all process counts and sums of the rest."""
    merged: dict[Any, Evidence] = {}
    for entry in evidence:
        key = entry.level, bool(entry.inputs)
        known = merged.get(key, Evidence(entry.level))
        processes = tuple(sorted({*known.processes, *entry.processes}))
        executions, threads = known.executions + entry.executions, known.threads or entry.threads
        limits = [waits for waits in (known.waits, entry.waits) if waits is not None]
        waits = min(limits, default=None)  # the weakest claim holds for all of them
        seed = known.seed if entry.seed is None else entry.seed
        inputs = known.inputs + entry.inputs
        depends = tuple(one for one in Dependence if one in (*known.depends, *entry.depends))
        draws = max(known.draws, entry.draws)
        merged[key] = Evidence(
            entry.level, processes, executions, threads, waits, seed, inputs, draws, depends
        )
    return tuple(merged.values())
