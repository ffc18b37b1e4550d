// What each kind of user may do in Storage, by the Web SDK with the token of that user.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  deleteObject,
  getBytes,
  getDownloadURL,
  getMetadata,
  list,
  ref,
  updateMetadata,
  uploadBytes,
} from 'firebase/storage';
import { closeSessions, openSessions, seedObject } from './emulators.mjs';

const IDENTITIES = ['owner', 'stranger', 'anonymous', 'signedOut'];
const NOBODY = [];
const OWNER = ['owner'];
const PATIENCE = { timeout: 15_000 };
const CONTENT = 'RIFF of some object';

// `{uid}` is always the owner's, whoever comes for it.
const OBJECTS = [
  ['voice_samples/{uid}/voice_a_sample.wav', OWNER],
  // No percent sign: the emulator decodes names twice, and one that then makes no sense ends the
  // whole emulator suite.
  ['voice_samples/{uid}/ж ünïcode & + #?.wav', OWNER],
  ['voice_samples/{uid}/deeper/voice_a_sample.wav', NOBODY],
  ['voice_samples/{uid}.wav', NOBODY],
  ['voice_profiles/{uid}/voice_a.npy', OWNER],
  ['voice_profiles/{uid}/deeper/voice_a.npy', NOBODY],
  ['tts_generations/{uid}/TTS_voice_a.wav', OWNER],
  ['tts_generations/{uid}/deeper/TTS_voice_a.wav', NOBODY],
  ['uploads/{uid}/take 1.wav', NOBODY],
  ['uploads/{uid}/deeper/take 1.wav', NOBODY],
  ['uploads/{uid}.wav', NOBODY],
  ['unplanned/{uid}/voice_a_sample.wav', NOBODY],
  ['{uid}/voice_a_sample.wav', NOBODY],
  ['{uid}.wav', NOBODY],
];
// The rules see a listing as a `list` of the folder's own path: /{name} below a user's folder is the
// listing of a folder that lies deeper.
const FOLDERS = [
  '',
  'voice_samples',
  'voice_samples/{uid}',
  'voice_samples/{uid}/deeper',
  'voice_profiles',
  'voice_profiles/{uid}',
  'voice_profiles/{uid}/deeper',
  'tts_generations',
  'tts_generations/{uid}',
  'tts_generations/{uid}/deeper',
  'uploads',
  'uploads/{uid}',
  'uploads/{uid}/deeper',
  'unplanned/{uid}',
];

let sessions;

before(async () => {
  sessions = await openSessions();
  for (const session of Object.values(sessions)) {
    session.storage.maxOperationRetryTime = 5_000;
    session.storage.maxUploadRetryTime = 5_000;
  }
  for (const [path] of OBJECTS) {
    await seedObject(resolve(path), CONTENT);
  }
});

after(() => closeSessions(sessions));

function resolve(path) {
  return path.replace('{uid}', sessions.owner.uid);
}

async function assertDenied(operation) {
  await assert.rejects(operation, (error) => {
    assert.equal(error.code, 'storage/unauthorized', String(error));
    return true;
  });
}

/** Run `operation` as everybody: those listed succeed, all others are denied. */
function permits(what, allowed, operation) {
  for (const identity of IDENTITIES) {
    const may = allowed.includes(identity);
    test(`${identity} ${may ? 'may' : 'may not'} ${what}`, PATIENCE, async () => {
      const attempt = () => operation(sessions[identity].storage);
      await (may ? attempt() : assertDenied(attempt));
    });
  }
}

describe('get', () => {
  for (const [path, allowed] of OBJECTS) {
    permits(`download ${path}`, allowed, async (storage) => {
      const bytes = await getBytes(ref(storage, resolve(path)));
      assert.equal(Buffer.from(bytes).toString(), CONTENT);
    });
    permits(`read the metadata of ${path}`, allowed, async (storage) => {
      assert.equal((await getMetadata(ref(storage, resolve(path)))).size, CONTENT.length);
    });
    permits(`get a download URL of ${path}`, allowed, (storage) =>
      getDownloadURL(ref(storage, resolve(path))),
    );
  }

  test('owner is told that an own object is missing', PATIENCE, async () => {
    const missing = ref(sessions.owner.storage, resolve('voice_samples/{uid}/missing.wav'));
    await assert.rejects(getMetadata(missing), { code: 'storage/object-not-found' });
  });

  test('stranger is not told that an object of the owner is missing', PATIENCE, async () => {
    const missing = ref(sessions.stranger.storage, resolve('voice_samples/{uid}/missing.wav'));
    await assertDenied(() => getMetadata(missing));
  });

  test('a download URL with its token needs no sign-in, without it it is denied', PATIENCE, async () => {
    const object = ref(sessions.owner.storage, resolve('voice_samples/{uid}/voice_a_sample.wav'));
    const url = new URL(await getDownloadURL(object));
    assert.equal(await (await fetch(url)).text(), CONTENT);
    url.searchParams.set('token', randomUUID());
    assert.equal((await fetch(url)).status, 403);
    url.searchParams.delete('token');
    assert.equal((await fetch(url)).status, 403);
  });
});

describe('list', () => {
  for (const folder of FOLDERS) {
    permits(`list /${folder}`, NOBODY, (storage) => list(ref(storage, resolve(folder))));
  }
});

describe('write', () => {
  for (const [path] of OBJECTS) {
    permits(`overwrite ${path}`, NOBODY, (storage) =>
      uploadBytes(ref(storage, resolve(path)), Buffer.from('other'), { contentType: 'audio/wav' }),
    );
    permits(`change the metadata of ${path}`, NOBODY, (storage) =>
      updateMetadata(ref(storage, resolve(path)), { customMetadata: { mine: 'yes' } }),
    );
    permits(`delete ${path}`, NOBODY, (storage) => deleteObject(ref(storage, resolve(path))));
  }
  // What may be created, in a slot, is the subject of uploads.test.mjs.
  for (const folder of FOLDERS) {
    permits(`create an object in /${folder}`, NOBODY, (storage) =>
      uploadBytes(ref(storage, `${resolve(folder)}/${randomUUID()}.wav`), Buffer.from('new'), {
        contentType: 'audio/wav',
      }),
    );
  }
});
