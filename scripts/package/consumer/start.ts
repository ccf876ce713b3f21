/** A user's program: tells how many milliseconds it takes to load the library. */

const before = performance.now();
await import("@kilter/milter");
console.log(performance.now() - before);
