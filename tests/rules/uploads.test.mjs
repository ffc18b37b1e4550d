// Direct uploads of what is too large for a function, as a browser makes them: the Web SDK's resumable
// upload into a slot that the API gave. Who may do it is in storage.test.mjs, too; here is what may be
// uploaded, and how. The emulator shows the rules neither cacheControl nor contentLanguage: what they
// make of these is in tests/local/test_rules_runtime.py.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ref, uploadBytes, uploadBytesResumable } from 'firebase/storage';
import {
  closeSessions,
  openSessions,
  openSessionThrough,
  openSlot,
  removeObject,
  storedObject,
} from './emulators.mjs';
import { openLine } from './line.mjs';

const MIB = 1024 * 1024;
const AUDIO_LIMIT = 200 * MIB;
const PATIENCE = { timeout: 15_000 };
// Some seconds each; the emulator computes checksums in JavaScript.
const LARGE = { timeout: 120_000 };
const WAV = { contentType: 'audio/wav' };

let sessions;

before(async () => {
  sessions = await openSessions();
});

after(() => closeSessions(sessions));

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

describe('into a slot', () => {
  const TYPES = ['audio/wav', 'audio/ogg; codecs=opus', 'application/octet-stream', 'application/zip'];
  for (const contentType of TYPES) {
    test(`owner may upload ${contentType} where it was asked for`, PATIENCE, async () => {
      const path = await openSlot(sessions.owner.uid, { content_type: contentType });
      await uploadBytes(ref(sessions.owner.storage, path), audio(9000), { contentType });
      await assertStored(path, audio(9000), contentType);
    });
  }

  for (const contentType of ['audio/x-wav', 'AUDIO/WAV', 'application/octet-stream', 'text/html']) {
    test(`owner may not upload ${contentType} where audio/wav was asked for`, PATIENCE, async () => {
      const path = await openSlot(sessions.owner.uid);
      const target = ref(sessions.owner.storage, path);
      await assertRefused(() => uploadBytes(target, audio(9000), { contentType }), path);
      await assertRefused(() => uploadBytesResumable(target, audio(MIB), { contentType }), path);
    });
  }

  test('without a type the SDK claims octet-stream, which must have been asked for', PATIENCE, async () => {
    const path = await openSlot(sessions.owner.uid);
    await assertRefused(() => uploadBytes(ref(sessions.owner.storage, path), audio(9000)), path);
  });

  const SIZES = [
    [10, 0, false],
    [10, 1, true],
    [10, 10, true],
    [10, 11, false],
    [AUDIO_LIMIT, AUDIO_LIMIT, true],
    [AUDIO_LIMIT, AUDIO_LIMIT + 1, false],
  ];
  for (const [asked, size, allowed] of SIZES) {
    const what = `${size} bytes where ${asked} were asked for`;
    test(`owner ${allowed ? 'may' : 'may not'} upload ${what}`, LARGE, async () => {
      const path = await openSlot(sessions.owner.uid, { size_bytes: asked });
      const target = ref(sessions.owner.storage, path);
      const upload = () => uploadBytesResumable(target, Buffer.alloc(size), WAV);
      if (!allowed) return assertRefused(upload, path);
      await upload();
      assert.equal((await storedObject(path)).size, size);
      return removeObject(path);
    });
  }

  const TAKEN = { generation: '1', sha256: 'a', at: new Date() };
  const CLOSED = [
    ['whose time is over', { open_until: new Date(Date.now() - 1000) }],
    ['that a save has taken', { taken: TAKEN }],
    ['that says nothing', { size_bytes: null, open_until: null }],
  ];
  for (const [what, changes] of CLOSED) {
    test(`owner may not upload into a slot ${what}`, PATIENCE, async () => {
      const path = await openSlot(sessions.owner.uid, changes);
      await assertRefused(() => uploadBytes(ref(sessions.owner.storage, path), audio(9000), WAV), path);
    });
  }

  for (const name of ['take 1.wav', 'upload_0', 'ж ünïcode & + #?.wav']) {
    test(`owner may not upload without a slot to ${name}`, PATIENCE, async () => {
      const path = `uploads/${sessions.owner.uid}/${name}`;
      await assertRefused(() => uploadBytes(ref(sessions.owner.storage, path), audio(9000), WAV), path);
    });
  }

  test('owner may not use the slot of somebody else', PATIENCE, async () => {
    const foreign = await openSlot(sessions.stranger.uid);
    const path = foreign.replace(sessions.stranger.uid, sessions.owner.uid);
    await assertRefused(() => uploadBytes(ref(sessions.owner.storage, path), audio(9000), WAV), path);
  });

  test('owner may not upload below a slot', PATIENCE, async () => {
    const path = `${await openSlot(sessions.owner.uid)}/take 1.wav`;
    await assertRefused(() => uploadBytes(ref(sessions.owner.storage, path), audio(9000), WAV), path);
  });

  const SAID = [
    ['a disposition', { contentDisposition: 'attachment; filename="setup.exe"' }, false],
    ['another name', { contentDisposition: "inline; filename*=utf-8''setup.exe" }, false],
    ['a disposition as it is without', { contentDisposition: 'inline' }, true],
    ['an encoding', { contentEncoding: 'gzip' }, false],
    ['an encoding as it is without', { contentEncoding: 'identity' }, true],
    ['metadata of its own', { customMetadata: { mine: 'yes' } }, false],
    ['empty metadata', { customMetadata: {} }, true],
  ];
  for (const resumable of [false, true]) {
    const how = resumable ? 'by a resumable upload' : 'in one request';
    const send = resumable ? uploadBytesResumable : uploadBytes;
    const bytes = audio(resumable ? MIB : 9000);
    for (const [what, metadata, allowed] of SAID) {
      test(`owner ${allowed ? 'may' : 'may not'} set ${what} ${how}`, PATIENCE, async () => {
        const path = await openSlot(sessions.owner.uid);
        const target = ref(sessions.owner.storage, path);
        const upload = () => send(target, bytes, { ...WAV, ...metadata });
        if (!allowed) return assertRefused(upload, path);
        await upload();
        return assertStored(path, bytes);
      });
    }

    for (const identity of ['stranger', 'anonymous', 'signedOut']) {
      test(`${identity} may not upload into the owner's slot ${how}`, PATIENCE, async () => {
        const path = await openSlot(sessions.owner.uid);
        const target = ref(sessions[identity].storage, path);
        await assertRefused(() => send(target, bytes, WAV), path);
      });
    }

    test(`an anonymous account may upload into its own slot ${how}`, PATIENCE, async () => {
      const path = await openSlot(sessions.anonymous.uid);
      await send(ref(sessions.anonymous.storage, path), bytes, WAV);
      await assertStored(path, bytes);
    });

    test(`a second upload over the first is refused ${how}`, PATIENCE, async () => {
      const path = await openSlot(sessions.owner.uid);
      const target = ref(sessions.owner.storage, path);
      await send(target, bytes, WAV);
      await assertRefused(() => send(target, audio(2 * MIB), WAV), path, bytes);
      await assertRefused(() => send(target, bytes, WAV), path, bytes);
    });
  }
});

describe('large uploads', () => {
  const BYTES = audio(100_000_000);

  test('100 MB arrive whole', LARGE, async (context) => {
    const path = await openSlot(sessions.owner.uid);
    const began = performance.now();
    await uploadBytesResumable(ref(sessions.owner.storage, path), BYTES, WAV);
    context.diagnostic(`100 MB in ${Math.round(performance.now() - began)} ms`);
    await assertStored(path, BYTES);
    await removeObject(path);
  });

  test('an upload that is paused and resumed arrives whole', LARGE, async () => {
    const path = await openSlot(sessions.owner.uid);
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
    const path = await openSlot(sessions.owner.uid);
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
      const path = await openSlot(distant.uid);
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
