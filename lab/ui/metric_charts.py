"""placeholder"""


def draw(listed, specs, key):
    pass
