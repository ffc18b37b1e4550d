// What stands in front of firebase-tools' Hosting emulator, for local work and tests only:
// `node local/front.mjs --port N --upstream N`. The port 0 stands for any that is free; the first
// line of the output names the address.
//
// The emulator's own proxy hands a request's headers to `fetch`, which refuses those that belong to
// one connection (Expect, Transfer-Encoding, Upgrade, TE, Keep-Alive), and the client gets 500 for
// what the real Hosting takes. So they end here, as RFC 9110, section 7.6.1, asks of everything in
// between. Whatever else a request and its answer hold is passed on as it came.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { pipeline } from 'node:stream';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
// A body without a length is held in memory until its length is known. Functions take 32 MiB, and
// what is a little larger passes, so that it is they who refuse it.
const MAX_COLLECTED_BYTES = 33 * 1024 * 1024;
// Longer than clients keep an idle connection: who closes second may send into a closed one.
const KEEP_ALIVE_MS = 75_000;
// A lost parent is noticed within half a second; more often costs CPU for nothing.
const PARENT_POLL_MS = 400;
const OF_ONE_CONNECTION = [
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
// Node announces a body for every other method unless it is told that there is none.
const WITHOUT_BODY = ['GET', 'HEAD'];

/** The headers that are not for one connection alone, as they came. */
function passedOn({ headers, rawHeaders }) {
  const named = (headers.connection ?? '').toLowerCase().split(/[ ,]+/);
  const ended = new Set([...OF_ONE_CONNECTION, ...named]);
  return rawHeaders.filter((_, i) => !ended.has(rawHeaders[i - (i % 2)].toLowerCase()));
}

/** The whole body, or null once it is too large; the rest is then read and dropped. */
function collected(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let roomBytes = MAX_COLLECTED_BYTES;
    request.on('data', (chunk) => {
      roomBytes -= chunk.length;
      if (roomBytes >= 0) {
        chunks.push(chunk);
      } else {
        chunks.length = 0;
        resolve(null);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

/** Answer for the stack, in the shape of the API's errors. */
function refuse(response, status, code, message, details = {}) {
  const requestId = randomUUID().replaceAll('-', '');
  const error = { status: 'error', code, message, details, request_id: requestId };
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
  });
  response.end(JSON.stringify(error));
}

/** Send the request to the emulator, its answer back, and a break of either to the other. */
function pass(request, response, headers, body = request) {
  const { method, url: path } = request;
  // A connection of its own each time: an idle one may be closed just when it is used again.
  const emulator = { host: HOST, port: Number(values.upstream), agent: false };
  const outgoing = http.request({ ...emulator, method, path, headers });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, passedOn(answer));
    // Sends the headers now. `flushHeaders` would, too, but spoils those that are not ASCII.
    response.write(Buffer.of());
    pipeline(answer, response, () => {});
  });
  outgoing.on('error', () => {
    if (response.headersSent || response.destroyed) return;
    refuse(response, 502, 'unavailable', 'The Hosting emulator does not answer. Is it starting?');
  });
  response.on('close', () => outgoing.destroy());
  outgoing.on('close', () => {
    // An answer need not wait for the body. What is still to come of it is read and dropped, as
    // most clients read the answer only when they have sent everything.
    request.unpipe(outgoing);
    request.resume();
  });
  if (body === request) request.pipe(outgoing);
  else outgoing.end(body);
}

/** Take a request; by now Node has told a client that waits for `100 Continue` to go on. */
async function take(request, response) {
  const { headers, method } = request;
  if (!('transfer-encoding' in headers)) {
    const hasLength = 'content-length' in headers || WITHOUT_BODY.includes(method);
    pass(request, response, [...passedOn(request), ...(hasLength ? [] : ['Content-Length', '0'])]);
    return;
  }
  const body = await collected(request);
  if (body) {
    pass(request, response, [...passedOn(request), 'Content-Length', `${body.length}`], body);
    return;
  }
  const message = `More than ${MAX_COLLECTED_BYTES} bytes do not fit into a request in chunks.`;
  refuse(response, 413, 'payload_too_large', message, { max_bytes: MAX_COLLECTED_BYTES });
}

const option = { type: 'string' };
const { values } = parseArgs({ options: { port: option, upstream: option } });
const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  // Fails when the client is gone before its body is there.
  take(request, response).catch(() => response.destroy());
});
server.on('error', (problem) => {
  console.error(`The front of the local site cannot start: ${problem.message}`);
  process.exit(1);
});
server.listen(Number(values.port), HOST, () => {
  console.log(`Front of the local site at http://${HOST}:${server.address().port}`);
});
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.kill(process.pid), PARENT_POLL_MS);
