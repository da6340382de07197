"""Run a notebook with this very interpreter: python tests/run_notebook.py NOTEBOOK EXECUTED.

The kernel works in the current folder. A process of its own, because its client leaves sockets open when it ends.
"""

import sys

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

__all__ = ["run"]


def run(notebook: str, executed: str) -> None:
    """Every cell; raises for the first one that does. Without installed kernels there is that of this interpreter."""
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    cells = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(cells, km=kernel, timeout=300).execute()
    nbformat.write(cells, executed)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    run(*sys.argv[1:])
