"""What crosses a device, written down by tcpdump while a row goes on, and counted by filter."""
import re
import signal
import subprocess
import time

from .core import Fault, run


class Capture:
    """Packets of a device in a namespace; `words` are tcpdump's, which say what and where."""

    def __init__(self, namespace, path, *words):
        self.namespace, self.capture, self.words = namespace, path, words
        #: Whether nothing was missed; unknown as long as it goes on.
        self.whole = None

    def __enter__(self):
        command = ["ip", "netns", "exec", self.namespace, "tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-w", str(self.capture), *self.words]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        said = self.process.stderr.readline()
        while said and "listening on" not in said:
            said = self.process.stderr.readline()
        if not said:
            raise Fault("tcpdump does not listen")
        return self

    def __exit__(self, *_):
        # What is under way is still to be seen.
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=10)[1]
        self.whole = bool(re.search(r"^0 packets dropped by kernel", said, re.M))

    def matching(self, *filters):
        """How many packets each filter matches."""
        if self.whole is False:
            raise Fault("the capture has gaps")
        return [len(run("tcpdump", "-n", "-r", self.capture, words).splitlines()) for words in filters]
