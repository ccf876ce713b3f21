/** Debian's Sendmail, as tests run it: unpacked by `install.sh`, everything below one directory, no DNS. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Address } from "../../mod.ts";
import type { Recipe, Site } from "./recipe.ts";

const ROOT = process.env["KILTER_SENDMAIL"] ?? "/var/cache/kilter-sendmail";
const PROGRAM = join(ROOT, "usr/libexec/sendmail/sendmail");
const CF = join(ROOT, "usr/share/sendmail/cf");

/** `F=4` (421) is an answer that no filter of the tests gives: a failure can't pass for a verdict. */
const usualMc = ({ dir, smtp, milters, mc, sink, tempfails }: Site): string => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mx.example.test')dnl
define(\`confPID_FILE', \`${dir}/sendmail.pid')dnl
define(\`QUEUE_DIR', \`${dir}/queue')dnl
define(\`ALIAS_FILE', \`')dnl
define(\`STATUS_FILE', \`')dnl
define(\`HELP_FILE', \`')dnl
define(\`confCW_FILE', \`-o ${dir}/local-host-names')dnl
define(\`confSERVICE_SWITCH_FILE', \`${dir}/service.switch')dnl
define(\`confDEF_USER_ID', \`nobody:nogroup')dnl
define(\`confDONT_BLAME_SENDMAIL', \`GroupWritableDirPathSafe,TrustStickyBit')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confBIND_OPTS', \`-DNSRCH -DEFNAMES')dnl
define(\`confDONT_PROBE_INTERFACES', \`true')dnl
define(\`confBAD_RCPT_THROTTLE', \`0')dnl
define(\`confREFUSE_LA', \`0')dnl
define(\`confQUEUE_LA', \`10000')dnl
define(\`confDELIVERY_MODE', \`interactive')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`promiscuous_relay')dnl
DAEMON_OPTIONS(\`Name=MTA, Family=inet, Addr=${smtp.host}, Port=${smtp.port}')dnl
define(\`SMART_HOST', \`relay:[${sink.host}]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${sink.port}')dnl
${milters.map((milter, at) => filterLine(milter, at, tempfails ? "T" : "4")).join("\n")}
${Object.entries(mc).map(([name, value]) => `define(\`${name}', \`${value}')dnl`).join("\n")}
MAILER(\`smtp')dnl
LOCAL_RULE_0
R$* < @ refused.test $* > $*\t$#error $@ 5.1.1 $: "550 No such user"
`;

const filterLine = (milter: Address, at: number, fails: string): string =>
  `INPUT_MAIL_FILTER(\`kilter${at}', \`S=${socketOf(milter)}, F=${fails}, T=S:10s;R:10s;E:30s;C:30s')dnl`;

const socketOf = (milter: Address): string =>
  "path" in milter ? `local:${milter.path}` : `inet:${milter.port}@${milter.host}`;

/**
 * A host name without a dot makes Sendmail sleep for a minute before it reads its configuration: it gets
 * a name space with a better one.
 */
const BETTER_NAMED = ["unshare", "--uts", "sh", "-c", 'hostname mx.example.test; exec "$@"', "sh"];

export const sendmail: Recipe = {
  missing() {
    if (!existsSync(PROGRAM)) return `${PROGRAM} is not there`;
    if (hostname().includes(".")) return undefined;
    try {
      execFileSync("unshare", ["--uts", "true"], { stdio: "ignore" });
      return undefined;
    } catch {
      return "the host name has no dot and may not be changed for one process";
    }
  },

  configure(site) {
    const cf = join(site.dir, "sendmail.cf");
    mkdirSync(join(site.dir, "queue"), { mode: 0o700 });
    writeFileSync(join(site.dir, "service.switch"), "hosts files\naliases files\npasswd files\n");
    const macros = ["-D", `_CF_DIR_=${CF}/`, join(CF, "m4/cf.m4"), "-"];
    writeFileSync(
      cf,
      execFileSync("m4", macros, { input: usualMc(site), stdio: ["pipe", "pipe", "ignore"] }),
    );
    const daemon = [PROGRAM, "-D", join(site.dir, "log"), "-d64.5", "-C", cf, "-bD"];
    return hostname().includes(".") ? daemon : [...BETTER_NAMED, ...daemon];
  },

  quarantined(site) {
    const queue = join(site.dir, "queue");
    const held = readdirSync(queue).filter((file) => file.startsWith("hf"));
    return Object.fromEntries(held.map((file) => [file.slice(2), join(queue, file)]));
  },

  queued(site) {
    const queue = join(site.dir, "queue");
    return readdirSync(queue).filter((file) => file.startsWith("qf")).map((file) => join(queue, file));
  },

  serves: (name, parent) => name === "sendmail" && parent === "sendmail",

  // It says what it negotiates, and that it could not take leave of a server that was quicker.
  complaint: /^milter_\w+\(kilter\d\): (?!send:|received:|write\(Q\))/,
};
