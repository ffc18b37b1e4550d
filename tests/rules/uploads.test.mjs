// Direct uploads of what is too large for a function, as a browser makes them: the Web SDK's resumable
// upload. Who may do it is in storage.test.mjs, too; here is what may be uploaded, and how.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ref, uploadBytes, uploadBytesResumable } from 'firebase/storage';
import {
  closeSessions,
  openSessions,
  openSessionThrough,
  removeObject,
  storedObject,
} from './emulators.mjs';
import { openLine } from './line.mjs';

const MIB = 1024 * 1024;
const LIMIT = 200 * MIB;
const PATIENCE = { timeout: 15_000 };
// Some seconds each; the emulator computes checksums in JavaScript.
const LARGE = { timeout: 120_000 };
const WAV = { contentType: 'audio/wav' };

let sessions;

before(async () => {
  sessions = await openSessions();
});

after(() => closeSessions(sessions));

function pathOf(session, name = `${randomUUID()}.wav`) {
  return `uploads/${session.uid}/${name}`;
}

/** Bytes in which a block that is lost, doubled or exchanged shows. */
function audio(size) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

async function assertStored(path, bytes, contentType = WAV.contentType) {
  const stored = await storedObject(path);
  assert.equal(stored?.size, bytes.length);
  assert.equal(stored.sha256, createHash('sha256').update(bytes).digest('hex'));
  assert.equal(stored.metadata.contentType, contentType);
}

/** Let an upload fail as the rules make it fail; `stored` is what must lie there afterwards. */
async function assertRefused(upload, path, stored = null) {
  await assert.rejects(upload, (error) => {
    assert.equal(error.code, 'storage/unauthorized', String(error));
    return true;
  });
  if (stored === null) assert.equal(await storedObject(path), null);
  else await assertStored(path, stored);
}

describe('what may be uploaded', () => {
  const TYPES = [
    ['audio/wav', true],
    ['audio/x-wav', true],
    ['audio/vnd.wave', true],
    ['audio/ogg; codecs=opus', true],
    ['audio/webm;codecs="opus"', true],
    ['application/octet-stream', true],
    ['application/zip', true],
    ['application/x-zip-compressed', true],
    ['audio/', false],
    ['audio', false],
    ['xaudio/wav', false],
    ['audio/wav, text/html', false],
    ['audio/wav; codecs=a; b', false],
    ['application/octet-streams', false],
    ['application/zip2', false],
    ['application/x-zip', false],
    ['application/zip; charset=binary', false],
    ['application/gzip', false],
    ['multipart/x-zip', false],
    ['text/html', false],
    ['image/svg+xml', false],
    ['video/mp4', false],
    ['application/json', false],
  ];
  for (const [contentType, allowed] of TYPES) {
    test(`owner ${allowed ? 'may' : 'may not'} upload ${contentType}`, PATIENCE, async () => {
      const path = pathOf(sessions.owner);
      const bytes = audio(9000);
      const upload = () => uploadBytes(ref(sessions.owner.storage, path), bytes, { contentType });
      if (allowed) {
        await upload();
        await assertStored(path, bytes, contentType);
      } else {
        await assertRefused(upload, path);
      }
    });
  }

  // No emulator holds the 5 GiB of an archive: that limit is tested at the rules runtime, in
  // tests/local/test_rules_runtime.py.
  const SIZES = [
    ['audio/wav', 0, false],
    ['audio/wav', 1, true],
    ['audio/wav', LIMIT, true],
    ['audio/wav', LIMIT + 1, false],
    ['application/zip', 0, false],
    ['application/zip', LIMIT + 1, true],
  ];
  for (const [contentType, size, allowed] of SIZES) {
    const what = `${size} bytes of ${contentType}`;
    test(`owner ${allowed ? 'may' : 'may not'} upload ${what}`, LARGE, async () => {
      const path = pathOf(sessions.owner);
      const target = ref(sessions.owner.storage, path);
      const upload = () => uploadBytesResumable(target, Buffer.alloc(size), { contentType });
      if (!allowed) return assertRefused(upload, path);
      await upload();
      assert.equal((await storedObject(path)).size, size);
      return removeObject(path);
    });
  }

  for (const name of ['ж ünïcode & + #?.wav', '..wav', 'no extension']) {
    test(`owner may name an upload ${name}`, PATIENCE, async () => {
      const path = pathOf(sessions.owner, name);
      await uploadBytes(ref(sessions.owner.storage, path), audio(9000), WAV);
      await assertStored(path, audio(9000));
    });
  }
});

describe('who may upload where', () => {
  for (const resumable of [false, true]) {
    const how = resumable ? 'by a resumable upload' : 'in one request';
    const send = resumable ? uploadBytesResumable : uploadBytes;
    const bytes = audio(resumable ? MIB : 9000);
    for (const identity of ['stranger', 'anonymous', 'signedOut']) {
      test(`${identity} may not upload to the owner's folder ${how}`, PATIENCE, async () => {
        const path = pathOf(sessions.owner);
        const target = ref(sessions[identity].storage, path);
        await assertRefused(() => send(target, bytes, WAV), path);
      });
    }

    test(`a second upload over the first is refused ${how}`, PATIENCE, async () => {
      const path = pathOf(sessions.owner);
      const target = ref(sessions.owner.storage, path);
      await send(target, bytes, WAV);
      await assertRefused(() => send(target, audio(2 * MIB), WAV), path, bytes);
      await assertRefused(() => send(target, bytes, WAV), path, bytes);
    });
  }

  test('owner may not claim another type in mid-air', PATIENCE, async () => {
    const path = pathOf(sessions.owner);
    const target = ref(sessions.owner.storage, path);
    await assertRefused(() => uploadBytesResumable(target, audio(MIB), { contentType: 'text/html' }), path);
  });
});

describe('large uploads', () => {
  const BYTES = audio(100_000_000);

  test('100 MB arrive whole', LARGE, async (context) => {
    const path = pathOf(sessions.owner);
    const began = performance.now();
    await uploadBytesResumable(ref(sessions.owner.storage, path), BYTES, WAV);
    context.diagnostic(`100 MB in ${Math.round(performance.now() - began)} ms`);
    await assertStored(path, BYTES);
    await removeObject(path);
  });

  test('an upload that is paused and resumed arrives whole', LARGE, async () => {
    const path = pathOf(sessions.owner);
    const task = uploadBytesResumable(ref(sessions.owner.storage, path), BYTES, WAV);
    const transferred = await new Promise((tell) => {
      const unsubscribe = task.on('state_changed', (snapshot) => {
        if (snapshot.state === 'paused') {
          unsubscribe();
          tell(snapshot.bytesTransferred);
        } else if (snapshot.bytesTransferred > 30 * MIB) {
          task.pause();
        }
      });
    });
    assert.ok(transferred > 30 * MIB && transferred < BYTES.length, `paused at ${transferred}`);
    assert.equal(await storedObject(path), null);
    task.resume();
    await task;
    await assertStored(path, BYTES);
    await removeObject(path);
  });

  test('an upload that is cancelled leaves nothing', LARGE, async () => {
    const path = pathOf(sessions.owner);
    const task = uploadBytesResumable(ref(sessions.owner.storage, path), BYTES, WAV);
    task.on('state_changed', (snapshot) => {
      if (snapshot.bytesTransferred > 5 * MIB) task.cancel();
    });
    await assert.rejects(task, { code: 'storage/canceled' });
    assert.equal(await storedObject(path), null);
  });

  test('an upload whose line is cut goes on where it was', LARGE, async () => {
    const line = await openLine();
    const distant = await openSessionThrough(line.address);
    try {
      const path = pathOf(distant);
      const task = uploadBytesResumable(ref(distant.storage, path), BYTES, WAV);
      let sent = 0;
      task.on('state_changed', (snapshot) => {
        if (sent <= 20 * MIB && snapshot.bytesTransferred > 20 * MIB) line.cutAfter(3 * MIB);
        sent = snapshot.bytesTransferred;
      });
      await task;
      assert.ok(line.cuts > 0, 'the line was never cut');
      // From the start again it would have been 20 MiB more.
      assert.ok(line.sent < BYTES.length + 10 * MIB, `${line.sent} bytes were sent`);
      await assertStored(path, BYTES);
      await removeObject(path);
    } finally {
      await distant.close();
      await line.close();
    }
  });
});
