"""Runs a notebook with this interpreter: python tests/run_notebook.py NOTEBOOK EXECUTED.

The kernel works in the current folder. This is a process of its own, since its client leaves sockets open at its end.
"""

import sys

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

__all__ = ["run"]


def run(notebook: str, executed: str) -> None:
    """Runs every cell; raises the first cell's error. Without installed kernels it uses this interpreter's."""
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    cells = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(cells, km=kernel, timeout=300).execute()
    nbformat.write(cells, executed)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    run(*sys.argv[1:])
