// Saves a voice as programs in Node do: `node real_clients.mjs CLIENT URL NAME FILE`, the token in
// TOKEN. Prints the answer as JSON: its status and its text.
import { createReadStream } from 'node:fs';
import { openAsBlob } from 'node:fs';
import http from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const [client, url, name, file] = process.argv.slice(2);
const authorization = `Bearer ${process.env.TOKEN}`;
const BOUNDARY = '--------------------------597411370894712084372615';

/** A form as the npm package form-data writes it: of unknown length as soon as a file streams. */
async function* form() {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; `;
  yield Buffer.from(`${head}name="voice_name"\r\n\r\n${name}\r\n`);
  yield Buffer.from(`${head}name="audio_file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`);
  yield* createReadStream(file);
  yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
}

const multipart = { authorization, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

const CLIENTS = {
  async fetchOfAStream() {
    const body = Readable.toWeb(Readable.from(form()));
    return fetch(url, { method: 'POST', headers: multipart, body, duplex: 'half' });
  },
  async fetchOfAForm() {
    const body = new FormData();
    body.append('voice_name', name);
    body.append('audio_file', await openAsBlob(file), 'a.wav');
    return fetch(url, { method: 'POST', headers: { authorization }, body });
  },
  async httpWithoutALength() {
    return answered((options) => {
      const request = http.request(url, { ...options, headers: multipart });
      Readable.from(form()).pipe(request);
      return request;
    });
  },
  async httpThatExpects() {
    return answered((options) => {
      const headers = { ...multipart, expect: '100-continue' };
      const request = http.request(url, { ...options, headers });
      request.on('continue', () => Readable.from(form()).pipe(request));
      request.flushHeaders();
      return request;
    });
  },
};

function answered(send) {
  return new Promise((resolve, reject) => {
    const request = send({ method: 'POST', timeout: 60_000 });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('response', (answer) => {
      resolve({ status: answer.statusCode, text: () => text(answer) });
    });
  });
}

const answer = await CLIENTS[client]();
console.log(JSON.stringify({ status: answer.status, text: await answer.text() }));
