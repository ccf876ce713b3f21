/** Rule 11: bytes are the truth; text is read from them when it is looked at, and no text is bad. */

import { accept, type Connection, type Session } from "../../mod.ts";
import type { Command, Text } from "../../src/protocol/mod.ts";
import { latin1, toHex } from "../bytes.ts";
import { assertEquals, property, test } from "../harness.ts";
import { connect, GREETING, helo, type Line, mail, rcpt } from "../mta_commands.ts";
import { play } from "../mta_player.ts";
import { collect } from "./stages.ts";

/** Plays lines to a filter that looks at something when it has seen them all. */
async function seen<T>(lines: readonly Line[], look: (session: Session) => T | Promise<T>): Promise<T> {
  const results: T[] = [];
  await using mta = await play(async (session) => {
    await session.endOfMessage();
    results.push(await look(session));
    return accept();
  });
  await mta.play(lines);
  return results[0]!;
}

const REST: readonly Line[] = ["data", "endOfHeaders", "endOfMessage"];

function header(name: Text, value: Text): Command<Text> {
  return { type: "header", name, value };
}

/** CONNECT as MTAs say it, and the client that it tells of. */
const CLIENTS: readonly (readonly [Command<Text>, Connection])[] = [
  [connect("192.0.2.1"), { host: "client.example", family: "inet", address: "192.0.2.1", port: 4321 }],
  [connect("::1", "[::1]"), { host: "[::1]", family: "inet6", address: "::1", port: 4321 }],
  [connect("IPv6:0:0:0:0:0:0:0:1"), { host: "client.example", family: "inet6", address: "::1", port: 4321 }],
  [connect("IPv6:2001:DB8:0:0:0:0:0:1"), {
    host: "client.example",
    family: "inet6",
    address: "2001:db8::1",
    port: 4321,
  }],
  [connect("not:an:address"), {
    host: "client.example",
    family: "inet6",
    address: "not:an:address",
    port: 4321,
  }],
  [{ type: "connect", hostname: "localhost", family: "unknown", port: undefined, address: undefined }, {
    host: "localhost",
    family: "unknown",
    address: undefined,
    port: undefined,
  }],
  [{ type: "connect", hostname: "localhost", family: "unix", port: 0, address: "/run/s" }, {
    host: "localhost",
    family: "unix",
    address: "/run/s",
    port: undefined,
  }],
  [{ type: "connect", hostname: latin1("\xff\xfe"), family: "inet", port: 0, address: "unknown" }, {
    host: "\ufffd\ufffd",
    family: "inet",
    address: "unknown",
    port: undefined,
  }],
];

for (const [line, client] of CLIENTS) {
  test(`Session knows a client with the address ${String(client.address)} (${client.family})`, async () => {
    const found = await seen([line, "helo", "mail", "rcpt", ...REST], ({ connection }) => {
      const { host, family, address, port } = connection;
      return { host, family, address, port };
    });
    assertEquals(found, client);
  });
}

test("Session gives addresses as written, brackets off", async () => {
  const addresses = [
    ["<a@example.com>", "a@example.com"],
    ["a@example.com", "a@example.com"],
    ["<>", ""],
    ["", ""],
    ['<"a b"@example.com>', '"a b"@example.com'],
    ["<größe@example.com>", "größe@example.com"],
    [latin1("<gr\xf6\xdfe>"), "gr\ufffd\ufffde"],
  ] as const;
  for (const [written, address] of addresses) {
    const found = await seen([...GREETING, mail(written), rcpt(written), ...REST], async (session) => [
      (await session.envelopeFrom()).address,
      ...await collect(session.envelopeRecipients(), (recipient) => recipient.address),
    ]);
    assertEquals(found, [address, address]);
  }
});

test("Header gives its value on one line, and its bytes as they came", async () => {
  const values = [
    [" plain", "plain"],
    ["none", "none"],
    ["  two", "two"],
    ["\ttab", "tab"],
    ["", ""],
    [" ", ""],
    [" one\n two\n\tthree", "one two\tthree"],
    [" one\r\n two", "one two"],
    [" =?utf-8?q?x?=", "=?utf-8?q?x?="],
    [" größe", "größe"],
    [latin1(" \xff\xfe"), "\ufffd\ufffd"],
  ] as const;
  for (const [raw, value] of values) {
    const bytes = typeof raw === "string" ? new TextEncoder().encode(raw) : raw;
    const lines = [...GREETING, "mail", "rcpt", "data", header("X-Y", raw), ...REST.slice(1)] as const;
    const [found] = await seen(
      lines,
      (session) =>
        collect(
          session.headers,
          ({ name, value, rawName, rawValue }) => [name, value, rawName.length, toHex(rawValue)],
        ),
    );
    assertEquals(found, ["X-Y", value, 3, toHex(bytes)]);
  }
});

test("Headers without a name are none, and those of any name are found whatever the case", async () => {
  const lines: Line[] = [
    header("", "x"),
    header("x-a", "1"),
    header("X-A", "2"),
    header(latin1("\xff"), "3"),
  ];
  const found = await seen(
    [...GREETING, "mail", "rcpt", "data", ...lines, ...REST.slice(1)],
    async (session) => [
      await collect(session.headers, ({ name }) => name),
      (await session.headers.getAll("X-a")).map(({ value }) => value),
      await session.headers.get("X-B"),
    ],
  );
  assertEquals(found, [["x-a", "X-A", "\ufffd"], ["1", "2"], undefined]);
});

property("Session reads any bytes as text, and keeps the bytes", { runs: 50 }, async (random) => {
  const bytes = () => random.bytes(random.below(40)).map((byte) => byte || 1);
  const [host, name, sender, recipient, argument, value, text] = random.list(7, bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const lines: Line[] = [
    { type: "connect", hostname: host, family: "inet6", port: 1, address: host },
    helo(name),
    { type: "unknown", command: text },
    mail(sender, argument),
    rcpt(recipient, argument),
    "data",
    header(latin1("X"), value),
    ...REST.slice(1),
  ];
  const found = await seen(lines, async (session) => {
    const from = await session.envelopeFrom();
    const greeting = await session.helo();
    const [to] = await collect(session.envelopeRecipients(), (one) => one);
    const [first] = await session.headers.collect();
    const texts = [
      session.connection.host,
      session.connection.address,
      greeting!.hostname,
      from.address,
      ...from.arguments,
      ...from.parameters.keys(),
      to!.address,
      first!.value,
      ...Object.values(session.macros.toObject()),
    ];
    return [
      texts.every((one) => typeof one === "string"),
      ...[greeting!.raw, from.raw, to!.raw, first!.rawValue].map(toHex),
    ];
  });
  assertEquals(found, [true, ...[name, sender, recipient, value].map(toHex)]);
});

test("Session.macros and .mta tell what the MTA told, as of now", async () => {
  const told: unknown[] = [];
  await using mta = await play(async (session) => {
    const look = () =>
      told.push([session.macros.get("i"), session.macros.get("{auth_authen}"), session.mta.profile]);
    look();
    await session.envelopeFrom();
    look();
    await session.data();
    look();
    return accept();
  });
  await mta.macros("C", { v: "Postfix 3.7.11", j: "mx.example.com" });
  await mta.play(GREETING);
  await mta.macros("M", { "{auth_authen}": "arthur" });
  await mta.play(["mail", "rcpt"]);
  await mta.macros("T", { i: "4bXyZ12345" });
  await mta.say("data");
  assertEquals(told, [
    [undefined, undefined, "postfix"],
    [undefined, "arthur", "postfix"],
    ["4bXyZ12345", "arthur", "postfix"],
  ]);
});
