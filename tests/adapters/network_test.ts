import { isIn, isLoopback, parseNetwork } from "../../src/adapters/network.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";

/** Networks, addresses in them, and addresses that are not. */
const NETWORKS:
  readonly (readonly [network: string, inside: readonly string[], outside: readonly string[]])[] = [
    ["192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"], [
      "192.0.2.6",
      "192.0.2.70",
      "::192.0.2.7",
    ]],
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255", "a00::"]],
    ["192.0.2.0/25", ["192.0.2.0", "192.0.2.127"], ["192.0.2.128", "192.0.1.255"]],
    ["192.0.2.252/30", ["192.0.2.252", "192.0.2.255"], ["192.0.2.251"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::1", "2001:db8::1"]],
    ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]],
    ["2001:db8::/32", ["2001:db8::", "2001:DB8:ffff::1"], ["2001:db9::", "2001:db7:ffff::"]],
    ["2001:db8:0:8000::/49", ["2001:db8:0:8000::1", "2001:db8:0:ffff::"], ["2001:db8:0:7fff::"]],
    ["fe80::/10", ["fe80::1", "febf::1", "fe80::1%eth0"], ["fec0::1"]],
    ["::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.0"]],
    ["::/0", ["::1", "2001:db8::1", "10.0.0.1"], []],
  ];

for (const [network, inside, outside] of NETWORKS) {
  test(`Network ${network} holds its own addresses, and no others`, () => {
    const networks = [parseNetwork(network)];
    const held = [...inside, ...outside].filter((address) => isIn(networks, address));
    assertEquals(held, inside);
  });
}

test("Addresses that are none are in no network", () => {
  const all = ["0.0.0.0/0", "::/0"].map(parseNetwork);
  for (
    const address of [
      "",
      "localhost",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      ":::",
      "1::2::3",
      "/run/s",
    ]
  ) {
    assertEquals(isIn(all, address), false, address);
  }
});

test("parseNetwork refuses what is no network", () => {
  const bad = [
    "",
    "10",
    "10.0.0",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "::/129",
    "localhost",
  ];
  for (const text of [...bad, "/8", "10.0.0.1/8", "192.0.2.129/25", "2001:db8::1/32", undefined, 10]) {
    assertThrows(() => parseNetwork(text as string), TypeError, "Cannot use network");
  }
});

test("isLoopback knows the addresses of this machine alone", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"]) {
    assertEquals(isLoopback(host), true, host);
  }
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "128.0.0.1", "mx.example.com"]) {
    assertEquals(isLoopback(host), false, host);
  }
});
