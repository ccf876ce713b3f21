/** Debian's Postfix, as tests run it: everything below one directory, no DNS, no local delivery. */

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "../../mod.ts";
import type { Recipe, Site } from "./recipe.ts";

/** The first of Postfix's processes. (`postfix start-fg` would add a parent that eats signals.) */
const MASTER = "/usr/lib/postfix/sbin/master";

/** What has to be there below the queue directory. */
const QUEUES = ["active", "bounce", "defer", "deferred", "hold", "incoming", "private", "public"];

/** What it does when a filter fails is an answer that no filter of the tests gives: a failure can't pass for a verdict. */
const usualCf = ({ dir, milters, mainCf, sink, tempfails }: Site): string => `
compatibility_level = 3.6
queue_directory = ${dir}/queue
data_directory = ${dir}/data
maillog_file = ${dir}/log
maillog_file_prefixes = ${dir}

myhostname = mx.example.test
mydestination =
local_recipient_maps =
alias_maps =
default_transport = smtp:[${sink.host}]:${sink.port}
smtp_dns_support_level = disabled
smtp_host_lookup = native
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{ { refused.test = 550 5.1.1 No such user } }
inet_interfaces = loopback-only
inet_protocols = ipv4

# tests make many errors, and are in a hurry
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
in_flow_delay = 0

smtpd_milters = ${milters.map(socketOf).join(", ")}
milter_default_action = ${tempfails ? "tempfail" : "reject"}
${Object.entries(mainCf).map(([name, value]) => `${name} = ${value}`).join("\n")}
`;

const socketOf = (milter: Address): string =>
  "path" in milter ? `unix:${milter.path}` : `inet:${milter.host}:${milter.port}`;

/** Debian's, without the chroots, which would hide /etc/hosts, and without the services that nobody calls. */
const masterCf = ({ smtp }: Site): string => `
${smtp.host}:${smtp.port} inet n - n - - smtpd
cleanup   unix       n - n -     0 cleanup
qmgr      unix       n - n 300   1 qmgr
rewrite   unix       - - n -     - trivial-rewrite
bounce    unix       - - n -     0 bounce
defer     unix       - - n -     0 bounce
trace     unix       - - n -     0 bounce
flush     unix       n - n 1000? 0 flush
proxymap  unix       - - n -     - proxymap
smtp      unix       - - n -     - smtp
showq     unix       n - n -     - showq
error     unix       - - n -     - error
retry     unix       - - n -     - error
anvil     unix       - - n -     1 anvil
scache    unix       - - n -     1 scache
tlsmgr    unix       - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n -     1 postlogd
`;

const install = (owner: string, mode: string, directories: readonly string[]): void => {
  execFileSync("install", ["-d", "-o", owner, "-m", mode, ...directories]);
};

export const postfix: Recipe = {
  missing: () => existsSync(MASTER) ? undefined : `${MASTER} is not there`,

  configure(site) {
    const etc = join(site.dir, "etc");
    install("root", "755", [etc, `${site.dir}/queue`, `${site.dir}/queue/pid`]);
    install("postfix", "700", [`${site.dir}/data`, ...QUEUES.map((name) => `${site.dir}/queue/${name}`)]);
    copyFileSync("/etc/postfix/dynamicmaps.cf", join(etc, "dynamicmaps.cf"));
    writeFileSync(join(etc, "main.cf"), usualCf(site));
    writeFileSync(join(etc, "master.cf"), masterCf(site));
    // Each process reads a fresh main.cf again and again, until it is two seconds old.
    utimesSync(join(etc, "main.cf"), 0, 0);
    return [MASTER, "-c", etc, "-s"];
  },

  quarantined(site) {
    const hold = join(site.dir, "queue", "hold");
    return Object.fromEntries(readdirSync(hold).map((id) => [id, join(hold, id)]));
  },

  queued({ dir }) {
    return ["active", "deferred", "incoming"].flatMap((name) => {
      const queue = join(dir, "queue", name);
      const files = readdirSync(queue, { recursive: true }).map((file) => join(queue, String(file)));
      // The file of a mail that is not taken yet, or never will be, may not be executed.
      const isTaken = (file: string) => {
        const found = statSync(file, { throwIfNoEntry: false });
        return found?.isFile() && (found.mode & 0o100) !== 0;
      };
      return files.filter(isTaken);
    });
  },

  serves: (name) => name === "smtpd" || name === "cleanup",

  complaint: /(warning|fatal|panic): .*milter/,
};
