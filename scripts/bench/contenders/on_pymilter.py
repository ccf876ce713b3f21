"""The benchmark's filters on pymilter: on_pymilter.py answered|end inet:port@host|unix:/path

"answered" answers every event by itself; "end" negotiates away all answers but the last.
"""

import sys

import Milter
import milter


class Answered(Milter.Base):
    def connect(self, hostname, family, hostaddr):
        return Milter.CONTINUE

    def hello(self, hostname):
        return Milter.CONTINUE

    def envfrom(self, sender, *words):
        return Milter.CONTINUE

    def envrcpt(self, recipient, *words):
        return Milter.CONTINUE

    def data(self):
        return Milter.CONTINUE

    def header(self, name, value):
        return Milter.CONTINUE

    def eoh(self):
        return Milter.CONTINUE

    def body(self, chunk):
        return Milter.CONTINUE

    def eom(self):
        return Milter.ACCEPT


class End(Answered):
    connect = Milter.noreply(Answered.connect)
    hello = Milter.noreply(Answered.hello)
    envfrom = Milter.noreply(Answered.envfrom)
    envrcpt = Milter.noreply(Answered.envrcpt)
    data = Milter.noreply(Answered.data)
    header = Milter.noreply(Answered.header)
    eoh = Milter.noreply(Answered.eoh)
    body = Milter.noreply(Answered.body)


if __name__ == "__main__":
    _, name, address = sys.argv
    Milter.factory = {"answered": Answered, "end": End}[name]
    milter.setbacklog(4096)  # 20 by default: too few for a thousand that come at once
    Milter.runmilter("bench", address)
