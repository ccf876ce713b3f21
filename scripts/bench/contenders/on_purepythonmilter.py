"""The benchmark's filters on purepythonmilter: on_purepythonmilter.py answered|end host:port

"answered" answers every event by itself; "end" negotiates away all answers but the last: the library does that for
hooks which return nothing, by their annotations.
"""

import logging
import sys

from purepythonmilter import Accept, Continue, PurePythonMilter


async def answer(command) -> Continue:
    return Continue()


async def be_silent(command) -> None:
    pass


async def accept(command) -> Accept:
    return Accept()


if __name__ == "__main__":
    _, name, address = sys.argv
    logging.disable(logging.WARNING)  # Else it warns at every event from the second mail of a connection on.
    hook = {"answered": answer, "end": be_silent}[name]
    host, _, port = address.rpartition(":")
    PurePythonMilter(
        hook_on_connect=hook,
        hook_on_helo=hook,
        hook_on_mail_from=hook,
        hook_on_rcpt_to=hook,
        hook_on_data=hook,
        hook_on_header=hook,
        hook_on_end_of_headers=hook,
        hook_on_body_chunk=hook,
        hook_on_end_of_message=accept,
    ).run_server(host=host, port=int(port))
