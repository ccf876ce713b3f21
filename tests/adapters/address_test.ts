import { type Address, formatAddress, parseAddress } from "../../mod.ts";
import { parseListen } from "../../src/adapters/address.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";

/** Every way to write an address, what it means, and how we write it. */
const ADDRESSES: readonly (readonly [text: string | Address, address: Address, formatted: string])[] = [
  ["inet:8891@127.0.0.1", { host: "127.0.0.1", port: 8891 }, "inet:8891@127.0.0.1"],
  ["inet:8891@localhost", { host: "localhost", port: 8891 }, "inet:8891@localhost"],
  ["inet:localhost:8891", { host: "localhost", port: 8891 }, "inet:8891@localhost"],
  ["inet:8891", { host: "127.0.0.1", port: 8891 }, "inet:8891@127.0.0.1"],
  ["inet:0@127.0.0.1", { host: "127.0.0.1", port: 0 }, "inet:0@127.0.0.1"],
  ["inet:8891@::1", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  ["inet:[::1]:8891", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  ["inet6:8891@::1", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  ["inet6:8891@[::1]", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  ["inet6:[fe80::1]:8891", { host: "fe80::1", port: 8891 }, "inet6:8891@fe80::1"],
  ["inet6:8891", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  ["localhost:8891", { host: "localhost", port: 8891 }, "inet:8891@localhost"],
  ["[::1]:8891", { host: "::1", port: 8891 }, "inet6:8891@::1"],
  [":8891", { host: "127.0.0.1", port: 8891 }, "inet:8891@127.0.0.1"],
  ["8891@127.0.0.1", { host: "127.0.0.1", port: 8891 }, "inet:8891@127.0.0.1"],
  ["0.0.0.0:65535", { host: "0.0.0.0", port: 65535 }, "inet:65535@0.0.0.0"],
  ["unix:/run/filter.sock", { path: "/run/filter.sock" }, "unix:/run/filter.sock"],
  ["local:/run/filter.sock", { path: "/run/filter.sock" }, "unix:/run/filter.sock"],
  ["/run/filter.sock", { path: "/run/filter.sock" }, "unix:/run/filter.sock"],
  ["unix:filter.sock", { path: "filter.sock" }, "unix:filter.sock"],
  ["unix:/run/a:b@c", { path: "/run/a:b@c" }, "unix:/run/a:b@c"],
  [{ host: "::1", port: 8891 }, { host: "::1", port: 8891 }, "inet6:8891@::1"],
  [{ path: "/run/s", mode: 0o660 }, { path: "/run/s", mode: 0o660 }, "unix:/run/s"],
  [
    { path: "/run/s", owner: 7, group: "postfix" },
    { path: "/run/s", owner: 7, group: "postfix" },
    "unix:/run/s",
  ],
];

test("parseAddress takes every form that Postfix, Sendmail and people write", () => {
  for (const [text, address] of ADDRESSES) assertEquals(parseAddress(text), address);
});

test("parseListen takes addresses, and sockets that listen already", () => {
  assertEquals(parseListen("inet:8891@127.0.0.1"), { host: "127.0.0.1", port: 8891 });
  assertEquals(parseListen({ path: "/run/s", mode: 0o660 }), { path: "/run/s", mode: 0o660 });
  for (const inherited of ["fd:3", { fd: 3 }] as const) {
    assertEquals(parseListen(inherited), { fd: 3 });
    assertEquals(formatAddress(parseListen(inherited)), "fd:3");
  }
  assertEquals(parseListen("inet:fd:3"), { host: "fd", port: 3 });
  for (const wrong of ["fd:2", { fd: 0 }, { fd: 3.5 }, { fd: "3" }, "fd:", undefined] as string[]) {
    assertThrows(() => parseListen(wrong), TypeError, "Cannot use address");
  }
});

test("formatAddress writes what parseAddress takes", () => {
  for (const [, address, formatted] of ADDRESSES) {
    assertEquals(formatAddress(address), formatted);
    const plain = "path" in address ? { path: address.path } : address;
    assertEquals(parseAddress(formatted), plain);
  }
});

/** What is no address. */
const BAD: readonly unknown[] = [
  "",
  "inet:",
  "inet:localhost",
  "localhost",
  "inet:65536@localhost",
  "inet:-1@localhost",
  "inet:1e3@localhost",
  "inet:http@localhost",
  "inet:88 91@localhost",
  "inet:8891@",
  "inet:8891@local host",
  "inet:8891@a@b",
  "unix:",
  "local:",
  "unix:/run/\0",
  "http://localhost:8891/",
  "fd:3",
  undefined,
  null,
  8891,
  {},
  { host: "localhost" },
  { host: "localhost", port: 1.5 },
  { host: "localhost", port: "8891" },
  { host: "", port: 8891 },
  { host: 7, port: 8891 },
  { path: "" },
  { path: 7 },
  { path: "/run/s", mode: 0o1000 },
  { path: "/run/s", mode: "660" },
];

for (const address of BAD) {
  test(`parseAddress refuses ${JSON.stringify(address)} with a TypeError`, () => {
    assertThrows(() => parseAddress(address as Address), TypeError, "Cannot use address");
  });
}
