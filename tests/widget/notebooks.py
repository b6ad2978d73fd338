"""Notebooks that are really run, by a kernel of their own, and what viewers make of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[2]


def ran(*cells: str) -> nbformat.NotebookNode:
    """A notebook of these cells with what they gave; a cell that fails is an error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": ROOT}}).execute()
    return notebook


def outputs(notebook: nbformat.NotebookNode, cell: int = -1) -> list[dict[str, Any]]:
    """What a cell displayed, by kind of medium."""
    return [dict(output["data"]) for output in notebook.cells[cell].outputs if "data" in output]


def exported(notebook: nbformat.NotebookNode) -> str:
    """The notebook as nbconvert's HTML."""
    body, _ = HTMLExporter().from_notebook_node(notebook)
    return body


@contextmanager
def kernel() -> Iterator[BlockingKernelClient]:
    """A kernel that is asked as the notebook of a person asks it."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def told(client: BlockingKernelClient, cell: str) -> list[dict[str, Any]]:
    """All messages that a cell causes, up to its end. The request names the cell, as JupyterLab's does."""
    content = {"code": cell, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    request = client.session.msg("execute_request", content, metadata={"cellId": "cell-1"})
    client.shell_channel.send(request)
    return list(until_idle(client, request["header"]["msg_id"]))


def until_idle(client: BlockingKernelClient, request: str) -> Iterator[dict[str, Any]]:
    """The messages about a request, until the kernel is done with it. What went wrong in it is an error."""
    while True:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(message["content"]["traceback"]))
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return
        yield message
