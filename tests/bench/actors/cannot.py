"""A framework without such a layer, and with much to say on its output."""


def start(threads):
    print("a banner that nobody asked for")


def programs(task, arrays):
    print("more of it")
    raise NotImplementedError("no such layer here")
