"""A process that ends in the middle of a task."""

import os

start = print


def programs(task, arrays):
    os._exit(3)
