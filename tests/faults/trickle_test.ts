/** A peer that writes and reads byte by byte. */

import { accept, defineFilter, serve } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { noPerl } from "../activation.ts";
import { concat, fromHex, toHex } from "../bytes.ts";
import { Child } from "../child.ts";
import { assertEquals, assertGreater, tempDir, test } from "../harness.ts";
import { commandOf, CONVERSATION } from "../mta_commands.ts";
import { socketWire } from "../wires.ts";

/** Connects to a Unix socket, says by single bytes what is given in hexadecimal, and prints what it reads by single bytes. */
const TRICKLE = `
use Socket;
my ($path, $say) = @ARGV;
socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!;
connect(S, sockaddr_un($path)) or die $!;
syswrite(S, $_) == 1 or die $! for split(//, pack("H*", $say));
my ($heard, $byte) = ("");
$heard .= $byte while sysread(S, $byte, 1);
print unpack("H*", $heard), "\\n";
`;

/** Says much: more than fits into a Unix socket at once. */
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
  await using directory = await tempDir();
  const path = directory.file("s");
  await using server = await serve(talkative, { listen: { path } });
  const lines = ["negotiate", ...CONVERSATION, ...CONVERSATION.slice(2), "quit"] as const;
  const bytes = concat(lines.map((line) => encodeCommand(commandOf(line))));

  const wire = await socketWire(server.address);
  wire.write(bytes);
  const heard: Uint8Array[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) heard.push(chunk);
  await wire.close();
  const whole = concat(heard);
  assertGreater(whole.length, 400_000);

  await using peer = new Child(["perl", "-e", TRICKLE, path, toHex(bytes)]);
  assertEquals([await peer.ended, peer.err], [0, ""]);
  assertEquals(fromHex(peer.out.trim()).length, whole.length);
  assertEquals(peer.out.trim() === toHex(whole), true);
});
