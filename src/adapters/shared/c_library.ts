/** What the C library is called: by GNU, by musl, on macOS, on FreeBSD. */
const C_LIBRARIES: readonly string[] = [
  "libc.so.6",
  "libc.so",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
  "libc.so.7",
];

/** What is had from the C library, by whichever name it goes here. */
export function fromCLibrary<Value>(have: (library: string) => Value): Value {
  let failure: unknown;
  for (const library of C_LIBRARIES) {
    try {
      return have(library);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}
