/** A process that listens on descriptor 3, takes a connection, and ends. */

import { listenInherited } from "../../src/adapters/inherited.ts";

const listener = await listenInherited({ fd: 3 }, (socket) => {
  socket.write(new TextEncoder().encode("taken"));
  socket.close();
  void listener.close();
});
