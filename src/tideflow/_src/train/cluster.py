"""Defines ``ClusterSpec``: which tasks take part in a distributed program, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClusterSpec:
    """Lists jobs, their tasks and the tasks' addresses.

    Args:
      cluster: by the name of a job, a list of addresses or a dictionary of task numbers and addresses; or a
        ``ClusterDef``; or another spec.

    Raises:
      TypeError: it is something else, or a name or address is not a string.

    >>> spec = ClusterSpec({"worker": ["a:2222", "b:2222"], "ps": {3: "c:2222"}})
    >>> spec.jobs, spec.num_tasks("worker"), spec.task_address("ps", 3)
    (['worker', 'ps'], 2, 'c:2222')
    """

    def __init__(self, cluster: Any) -> None:
        self._jobs: dict[str, dict[int, str]] = {}
        if isinstance(cluster, ClusterSpec):
            given: Mapping[Any, Any] = cluster._jobs
        elif isinstance(cluster, Mapping):
            given = cluster
        elif type(cluster).__name__ == "ClusterDef":
            given = {job.name: dict(job.tasks) for job in cluster.job}
        else:
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a "
                f"`ClusterDef` protocol buffer, got {cluster!r}."
            )
        for job, tasks in given.items():
            if isinstance(tasks, list | tuple):
                numbered: Any = dict(enumerate(tasks))
            elif isinstance(tasks, Mapping):
                numbered = tasks
            else:
                raise TypeError(
                    f"The tasks for job {job!r} must be a list or a dictionary from integers to strings, got {tasks!r}."
                )
            self._jobs[_text(job, "Job name")] = {
                int(number): _text(address, "Task address") for number, address in numbered.items()
            }

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __hash__(self) -> int:
        return hash(tuple((job, tuple(sorted(tasks.items()))) for job, tasks in sorted(self._jobs.items())))

    def __repr__(self) -> str:
        jobs = self.as_dict()
        return f"ClusterSpec({{{', '.join(f'{job!r}: {jobs[job]!r}' for job in sorted(jobs))}}})"

    def as_dict(self) -> dict[str, Any]:
        """Returns, for each job, a list of addresses; a dictionary where numbers of tasks are missing."""
        return {
            job: [tasks[number] for number in range(len(tasks))]
            if all(number in tasks for number in range(len(tasks)))
            else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> Any:
        """Returns a ``ClusterDef``."""
        from tideflow._src.graph import protos  # loads protobuf at its first use

        message = protos.get("ClusterDef")()
        for job in sorted(self._jobs):
            entry = message.job.add(name=job)
            for number, address in sorted(self._jobs[job].items()):
                entry.tasks[number] = address
        return message

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def _tasks(self, job_name: str) -> dict[int, str]:
        try:
            return self._jobs[job_name]
        except KeyError:
            raise ValueError(f"No such job in cluster: {job_name!r}") from None

    def num_tasks(self, job_name: str) -> int:
        """Returns how many tasks a job has.

        Raises:
          ValueError: there is no such job.
        """
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """Returns the numbers of a job's tasks, sorted.

        Raises:
          ValueError: there is no such job.
        """
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Returns the address of a task.

        Raises:
          ValueError: there is no such job or task.
        """
        tasks = self._tasks(job_name)
        try:
            return tasks[task_index]
        except KeyError:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}") from None

    def job_tasks(self, job_name: str) -> list[str | None]:
        """Returns the addresses of a job's tasks by number, None where a number is missing.

        Raises:
          ValueError: there is no such job.
        """
        tasks = self._tasks(job_name)
        return [tasks.get(number) for number in range(max(tasks, default=-1) + 1)]


def _text(value: Any, what: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"{what} {value!r} must be bytes or unicode")
    return value
