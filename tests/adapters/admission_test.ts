/** Who may come in, and who waits: by a clock of the test's own, and the runtime's timers. */

import { Admission, type Admitted, EXTRA, PERIOD, TALKING } from "../../src/adapters/admission.ts";
import { BACKLOG } from "../../src/adapters/socket.ts";
import { assert, assertEquals, property, test } from "../harness.ts";
import { until } from "../until.ts";

interface Connection extends Admitted {
  readonly nth: number;
}

/** A process that takes connections: its clock, and the part of a processor's time that it uses. */
class Process {
  load = 1;
  #now = 0;
  #used = 0;
  connected = 0;
  entered = 0;
  readonly inside: Connection[] = [];
  readonly admission: Admission = new Admission(() => this.#used, () => this.#now);

  /** So many connect; each says something when it is let in. */
  connect(count: number): void {
    for (; count > 0; count--) {
      const connection = { nth: this.connected++, talked: 0 };
      this.admission.next(() => {
        this.entered++;
        this.inside.push(connection);
        this.admission.talks(connection);
      });
    }
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
    this.#used += this.load * milliseconds;
  }

  /** All say something, or some. */
  talk(some: readonly Connection[] = this.inside): void {
    for (const connection of some) this.admission.talks(connection);
  }

  /** Some leave, by where they stand. */
  leave(at: number, count: number): void {
    for (const connection of this.inside.splice(at, count)) this.admission.leaves(connection);
  }

  [Symbol.dispose](): void {
    this.admission.open();
  }
}

test("Admission lets so many in at once, and the others in their order as those leave", () => {
  using process = new Process();
  process.connect(TALKING + 5);
  assertEquals(process.entered, TALKING);
  process.leave(0, 3);
  assertEquals(process.inside.slice(-3).map(({ nth }) => nth), [TALKING, TALKING + 1, TALKING + 2]);
  process.leave(0, TALKING);
  assertEquals(process.entered, TALKING + 5);
});

test("Admission counts those who talk, and not those who have gone silent", () => {
  using process = new Process();
  process.connect(TALKING);
  process.pass(PERIOD);
  process.connect(EXTRA.busy);
  process.talk(process.inside.slice(0, TALKING / 2));
  process.pass(PERIOD);
  // The others have not talked in the last two periods, and leave room for as many.
  process.connect(TALKING);
  assertEquals(process.entered, TALKING + EXTRA.busy + TALKING / 2);
});

test("Admission lets a few in in each period while all go on talking", async () => {
  using process = new Process();
  process.connect(1000);
  for (let period = 1; period <= 5; period++) {
    process.pass(PERIOD);
    process.talk();
    const expected = TALKING + period * EXTRA.busy;
    await until(() => process.entered >= expected, `${expected} are in`);
    assertEquals(process.entered, expected);
  }
});

test("Admission lets many in in each period while the process has time to spare", async () => {
  using process = new Process();
  process.load = 0.8;
  process.connect(1000);
  process.pass(PERIOD);
  process.talk();
  await until(() => process.entered > TALKING, "more are in");
  assertEquals(process.entered, TALKING + EXTRA.idle);
});

test("Admission that is opened keeps nobody waiting", () => {
  using process = new Process();
  process.connect(TALKING + 3);
  process.admission.open();
  process.connect(100);
  assertEquals(process.entered, process.connected);
});

test("Admission keeps no more waiting than a system's queue would", () => {
  using process = new Process();
  process.connect(TALKING + BACKLOG + 5);
  assertEquals(process.entered, TALKING + 5);
});

test("Admission lets many in of whom each leaves at once", () => {
  using process = new Process();
  process.connect(TALKING);
  let entered = 0;
  for (let nth = 0; nth < BACKLOG; nth++) {
    process.admission.next(() => {
      entered++;
      process.admission.leaves({ talked: 0 });
    });
  }
  process.leave(0, 1);
  assertEquals(entered, BACKLOG);
});

property("Admission lets all in as others leave, and has as much room as at first in the end", (random) => {
  using process = new Process();
  for (let step = random.between(1, 200); step > 0; step--) {
    process.pass(random.pick([0, 1, PERIOD / 2, PERIOD, 3 * PERIOD]));
    process.connect(random.below(20));
    process.talk(process.inside.filter(() => random.chance()));
    process.leave(random.below(process.inside.length + 1), random.below(8));
  }
  while (process.inside.length > 0) process.leave(0, process.inside.length);
  assertEquals(process.entered, process.connected);
  process.connect(TALKING + EXTRA.busy + 1);
  const { length } = process.inside;
  assert(length >= TALKING && length <= TALKING + EXTRA.busy, `room for ${length}`);
});
