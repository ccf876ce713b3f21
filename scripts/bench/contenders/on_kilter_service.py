"""The benchmark's filters on kilter.service: on_kilter_service.py answered|end host:port|/path

"answered" answers every event by itself; "end" negotiates away all answers but the last.
"""

import sys

import anyio
from kilter.protocol import Accept
from kilter.protocol.messages import ProtocolFlags
from kilter.service import Runner
from kilter.service.options import (
    examine_body,
    examine_headers,
    examine_helo,
    examine_recipients,
    examine_sender,
    modify_flags,
)


async def answered(session):
    await session.helo()
    await session.envelope_from()
    async for _ in session.envelope_recipients():
        pass
    async with session.headers as headers:
        async for _ in headers:
            pass
    async with session.body as body:
        async for _ in body:
            pass
    return Accept()


@examine_helo()
@examine_sender()
@examine_recipients()
@examine_headers()
@examine_body()
@modify_flags(unset_options=ProtocolFlags.NO_DATA | ProtocolFlags.NO_END_OF_HEADERS)
async def end(session):
    return await answered(session)


async def main(name, address):
    host, _, port = address.rpartition(":")
    listener = await (
        anyio.create_unix_listener(address)
        if address.startswith("/")
        else anyio.create_tcp_listener(local_host=host, local_port=int(port))
    )
    await listener.serve(Runner({"answered": answered, "end": end}[name]))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
