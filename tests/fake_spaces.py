"""Hugging Face's package `spaces` on ZeroGPU, as far as it can be had without one.

As in the real one a decorated generator runs in a process that is forked at the first call and kept; arguments and
results are pickled on their way; of an error that is not gradio's, the name of the class is all that comes back; a
closed generator stops the other one after its next step. What was declared for each call is kept in `declared`; `moves`
are done first in a new process, as the real one moves there to the GPU what was put on it before the launch.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pickle import PicklingError

import gradio as gr

fork = multiprocessing.get_context("fork")
declared: list[int] = []
moves: list[Callable[[], object]] = []
imported: set[str] = set()  # in the other processes, which is to be nothing
workers: list[Worker] = []
forked = False


class Worker:
    def __init__(self, task):
        self.asked, self.answers, self.stop = fork.SimpleQueue(), fork.SimpleQueue(), fork.Event()
        self.process = fork.Process(target=self.serve, args=(task,), daemon=True)
        self.process.start()
        workers.append(self)

    def serve(self, task) -> None:
        global forked
        forked = True
        # in new threads, as the real one: this one still waits for OpenMP's others, which were not forked with it
        with ThreadPoolExecutor() as pool:
            for move in moves:
                pool.submit(move).result()
        known = set(sys.modules)
        while True:
            arguments = self.asked.get()
            self.stop.clear()
            with ThreadPoolExecutor() as pool:
                pool.submit(self.work, task, arguments)
            self.answers.put(("end", set(sys.modules) - known))

    def work(self, task, arguments) -> None:
        try:
            for step in task(*arguments):
                if self.stop.is_set():
                    return
                self.answers.put(("ok", step))
        except gr.Error as error:
            self.answers.put(("gradio", error))
        except (Exception, PicklingError) as error:
            self.answers.put(("error", type(error).__name__))


def GPU(duration):
    def decorated(task):
        idle: list[Worker] = []
        lock = threading.Lock()

        def lent(*arguments):
            if forked:
                yield from task(*arguments)
                return
            declared.append(duration(*arguments))
            with lock:
                worker = idle.pop() if idle else Worker(task)
            worker.asked.put(arguments)
            wrong = None
            try:
                while True:
                    kind, said = worker.answers.get()
                    if kind == "end":
                        imported.update(said)
                        break
                    if kind == "ok":
                        yield said
                    else:
                        wrong = said if kind == "gradio" else gr.Error(said, title="ZeroGPU worker error")
            except GeneratorExit:
                worker.stop.set()
                while worker.answers.get()[0] != "end":
                    pass
                raise
            finally:
                idle.append(worker)
            if wrong is not None:
                raise wrong

        return lent

    return decorated
