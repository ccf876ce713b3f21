/** The machine on which something was measured. */

/** What the figures depend on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly virtual: boolean;
  /** Gigabytes. */
  readonly memory: number;
  readonly system: string;
  readonly kernel: string;
  /** The average load over 1, 5 and 15 minutes before anything was measured. */
  readonly loadBefore: readonly number[];
}

/** Asks the system. */
export async function machineFacts(): Promise<Machine> {
  const [cpu, release] = await Promise.all(
    ["/proc/cpuinfo", "/etc/os-release"].map((path) => Deno.readTextFile(path).catch(() => "")),
  );
  return {
    processor: /^model name\s*: (.*)$/m.exec(cpu!)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(cpu!),
    memory: Math.round(Deno.systemMemoryInfo().total / 1e9),
    system: /^PRETTY_NAME="(.*)"$/m.exec(release!)?.[1] ?? Deno.build.os,
    kernel: Deno.osRelease(),
    loadBefore: Deno.loadavg(),
  };
}

/** The machine in a sentence. */
export function described(
  { processor, cores, virtual, memory, system, kernel, loadBefore }: Machine,
): string {
  const load = loadBefore.map((average) => average.toFixed(2)).join(", ");
  return `${processor}, ${cores} cores${virtual ? " of a virtual machine" : ""}, ${memory} GB; ` +
    `${system}, kernel ${kernel}; load before: ${load}`;
}
