// A line to the Storage emulator that can be cut: a TCP proxy of the tests' own.
import { createConnection, createServer } from 'node:net';
import { storageHost } from './emulators.mjs';

/**
 * Open a line; `address` is where a client finds it.
 *
 * `cutAfter(bytes)` lets that many more bytes up, then resets every connection, and those that are
 * made in the next `darkMs`. `cuts` counts how often that was, `sent` the bytes that came to go up.
 */
export async function openLine() {
  const line = { cuts: 0, sent: 0, cutAfter, close, darkMs: 400 };
  const sockets = new Set();
  let left = Infinity;
  let darkUntil = 0;

  function cutAfter(bytes) {
    left = bytes;
  }

  function cut() {
    left = Infinity;
    darkUntil = Date.now() + line.darkMs;
    for (const socket of sockets) socket.resetAndDestroy();
  }

  const { hostname, port } = new URL(`http://${storageHost}`);
  const server = createServer((near) => {
    if (Date.now() < darkUntil) {
      line.cuts += 1;
      near.resetAndDestroy();
      return;
    }
    const far = createConnection(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('data', (block) => {
      line.sent += block.length;
      left -= block.length;
      if (left < 0) {
        line.cuts += 1;
        cut();
      } else if (!far.write(block)) {
        near.pause();
      }
    });
    far.on('drain', () => near.resume());
    near.on('end', () => far.end());
    far.pipe(near);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  line.address = `127.0.0.1:${server.address().port}`;

  async function close() {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
  return line;
}
