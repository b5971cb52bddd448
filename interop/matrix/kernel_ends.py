"""Our gateway with the kernel's own ESP and AH ends otherwise than an operator wants: its policies stay, and nothing leaves in clear (T101)."""
import time

from .core import Fault, Row, reach
from .kernel import Guest, ends, guest_reaches, pair
from .watch import Echoes, Wire


def ended(how):
    def check(session, row, folder):
        user, kernel = pair(session, folder)
        here, there = ends({})
        with user:
            kernel.start()
            reach(session.namespace, here, there)
            with Wire(session, folder) as wire, Echoes(session, there, here, 50):
                before = session.inside("ip xfrm policy")
                how(session, kernel)
                if session.inside("ip xfrm policy") != before:
                    raise Fault("policies are gone")
                time.sleep(1)
                kernel.start()
                guest_reaches(session, there, here, 3)
            kernel.signal("TERM")
        if session.left():
            raise Fault(f"left in the kernel: {session.left()}")
        return wire.closed("until the next start", 20)
    return check


def rows():
    # Without memory it ends by SIGABRT too.
    yield Row("own, Linux's ESP and AH", "both", "main", "T101: nothing in clear: SIGABRT, as a panic or no memory ends it", (Guest,),
              ended(lambda session, kernel: kernel.signal("ABRT")))
