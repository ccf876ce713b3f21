/** A process that listens on the descriptor that it is told, takes a connection, and ends. */

import process from "node:process";
import { listenInherited } from "../../src/adapters/inherited.ts";

const listener = await listenInherited({ fd: Number(process.argv[2]) }, (socket) => {
  socket.write(new TextEncoder().encode("taken"));
  socket.close();
  void listener.close();
});
