/** A peer that writes and reads byte by byte, with a socket that holds hardly any. */

import { accept, defineFilter, serve } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { noPerl } from "../activation.ts";
import { concat, fromHex, toHex } from "../bytes.ts";
import { Child } from "../child.ts";
import { assertEquals, assertGreater, test } from "../harness.ts";
import { commandOf, CONVERSATION } from "../mta_commands.ts";
import { socketWire } from "../wires.ts";

/** Connects to a port, says by single bytes what is given in hexadecimal, and prints what it reads by single bytes. */
const TRICKLE = `
use Socket;
my ($port, $say) = @ARGV;
socket(S, AF_INET, SOCK_STREAM, 0) or die $!;
setsockopt(S, SOL_SOCKET, SO_RCVBUF, 1024) or die $!;
setsockopt(S, SOL_SOCKET, SO_SNDBUF, 1024) or die $!;
setsockopt(S, Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1) or die $!;
connect(S, sockaddr_in($port, INADDR_LOOPBACK)) or die $!;
syswrite(S, $_) == 1 or die $! for split(//, pack("H*", $say));
my ($heard, $byte) = ("");
$heard .= $byte while sysread(S, $byte, 1);
print unpack("H*", $heard), "\\n";
`;

/** Says much: more than fits into any socket at once. */
const talkative = defineFilter({ edits: ["headers", "body"] }, async (session) => {
  const headers = await session.headers.collect();
  const chunk = (await session.body.collect()).slice(0, 5);
  session.headers.update(headers[0]!, "another");
  session.headers.append("X-New", "yes");
  session.body.replace(concat(Array.from({ length: 40_000 }, () => chunk)));
  return accept();
});

test("Server understands a peer that writes byte by byte, and tells all to one that reads byte by byte", {
  ignore: noPerl,
}, async () => {
  await using server = await serve(talkative, { listen: "inet:0@127.0.0.1" });
  const lines = ["negotiate", ...CONVERSATION, ...CONVERSATION.slice(2), "quit"] as const;
  const bytes = concat(lines.map((line) => encodeCommand(commandOf(line))));

  const wire = await socketWire(server.address);
  wire.write(bytes);
  const heard: Uint8Array[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) heard.push(chunk);
  await wire.close();
  const whole = concat(heard);
  assertGreater(whole.length, 400_000);

  const { port } = server.address as { readonly port: number };
  await using peer = new Child(["perl", "-e", TRICKLE, String(port), toHex(bytes)]);
  assertEquals([await peer.ended, peer.err], [0, ""]);
  assertEquals(fromHex(peer.out.trim()).length, whole.length);
  assertEquals(peer.out.trim() === toHex(whole), true);
});
