"""A framework that never comes back."""

import time

start = print


def programs(task, arrays):
    time.sleep(600)
