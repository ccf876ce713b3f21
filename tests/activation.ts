/** What systemd does for a service, done by Perl, which no Debian is without. */

import { Child } from "./child.ts";
import { spawnSync } from "node:child_process";

/** Why this machine cannot do it, if it cannot. */
export const noPerl: string = spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0
  ? ""
  : "there is no perl";

/** Opens a socket that listens as descriptor 3, tells so in the environment, and becomes the command that is given. */
const ACTIVATE = `
use Socket; use Fcntl; use POSIX ();
my $path = shift;
if ($path eq "") {
  socket(S, AF_INET, SOCK_STREAM, 0) or die $!;
  bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
} else {
  socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!;
  bind(S, sockaddr_un($path)) or die $!;
}
listen(S, 16) or die $!;
POSIX::dup2(fileno(S), 3) if fileno(S) != 3;
open(T, "<&=", 3) or die $!;
fcntl(T, F_SETFD, 0);
($ENV{LISTEN_PID}, $ENV{LISTEN_FDS}) = ($$, 1);
exec @ARGV or die $!;
`;

/** A command that runs another one with a socket that listens: on a Unix socket, or on a port that is free. */
export function activate(path = ""): string[] {
  return ["perl", "-e", ACTIVATE, path];
}

/** Prints what comes to a Unix socket of datagrams; one whose path starts with \`@\` has no file. */
const HEAR = `
use Socket;
$| = 1;
alarm 60;
(my $path = shift) =~ s/^@/\\0/;
socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind(S, sockaddr_un($path)) or die $!;
print "hearing\\n";
while (defined recv(S, my $said, 4096, 0)) { print "$said\\n" }
`;

/** Hears what services tell systemd. */
export async function hearNotices(path: string): Promise<Child> {
  const child = new Child(["perl", "-e", HEAR, path]);
  await child.says(/hearing\n/, "out");
  return child;
}
