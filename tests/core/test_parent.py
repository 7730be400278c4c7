"""Ending with the process that started one."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from config.env import BASE_DIR
from tests.flows.running import kill_if_there, living, wait_until

CHILD = """
import sys, time
sys.path.insert(0, {base!r})
from core.parent import end_with_parent
end_with_parent({argument})
print(1, flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
#: The same, the child started by multiprocessing in the way that is asked for.
RELATED = """
import multiprocessing, sys, time
sys.path.insert(0, {base!r})
from core.parent import end_with_parent
def child(ready):
    end_with_parent(always=True)
    time.sleep(1.5)
    ready.put(multiprocessing.current_process().pid)
    time.sleep(600)
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    ready = context.Queue()
    context.Process(target=child, args=(ready,)).start()
    print(ready.get(), flush=True)
    time.sleep(600)
"""


def start(arguments: list[str], **settings: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    parent = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings},
    )
    assert parent.stdout is not None
    return parent, psutil.Process(int(parent.stdout.readline()))


def kill(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.wait()
    assert parent.stdout is not None
    parent.stdout.close()


class TestEndWithParent:
    def test_ends_a_watched_child(self) -> None:
        code = CHILD.format(base=str(BASE_DIR), argument="always=True")
        parent, child = start(["-c", PARENT.format(child=code)])

        kill(parent)

        wait_until(lambda: living([child]) == [])

    def test_leaves_a_child_alone_that_nobody_supervises(self) -> None:
        code = CHILD.format(base=str(BASE_DIR), argument="")
        parent, child = start(["-c", PARENT.format(child=code)], PODWRIGHT_SUPERVISED="")

        kill(parent)

        try:
            with pytest.raises(psutil.TimeoutExpired):
                child.wait(1.5)
        finally:
            kill_if_there(child)

    def test_ends_a_child_whose_supervisor_was_gone_before_it_looked(self) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        code = CHILD.format(base=str(BASE_DIR), argument="")

        parent, child = start(["-c", PARENT.format(child=code)], PODWRIGHT_SUPERVISED=str(gone.pid))

        wait_until(lambda: living([child]) == [])
        kill(parent)

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_ends_a_multiprocessing_child_only_with_its_parent(
        self, tmp_path: object, method: str
    ) -> None:
        script = f"{tmp_path}/script.py"
        with open(script, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(RELATED.format(base=str(BASE_DIR), method=method))

        parent, child = start([script])
        assert living([child]) == [child]
        kill(parent)

        wait_until(lambda: living([child]) == [])
