// What each kind of user may do in Firestore, by the Web SDK with the token of that user.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  collection,
  collectionGroup,
  deleteDoc,
  doc,
  getDoc,
  getDocs,
  onSnapshot,
  query,
  setDoc,
  setLogLevel,
  updateDoc,
  where,
} from 'firebase/firestore';
import { closeSessions, openSessions, seedDocument } from './emulators.mjs';

const IDENTITIES = ['owner', 'stranger', 'anonymous', 'signedOut'];
const NOBODY = [];
const OWNER = ['owner'];
// A denial takes milliseconds; the SDK would otherwise wait for ever for a backend that is away.
const PATIENCE = { timeout: 15_000 };

let sessions;

// The SDK warns of every denial, and denials are what this is about.
setLogLevel('silent');

before(async () => {
  sessions = await openSessions();
  const user = `users/${sessions.owner.uid}`;
  await seedDocument(user, { voices: '1' });
  for (const kind of ['voices', 'generations']) {
    for (const status of ['pending', 'ready', 'deleting']) {
      await seedDocument(`${user}/${kind}/${status}`, { status });
    }
    await seedDocument(`${user}/${kind}/stateless`, { name: 'without a status' });
  }
  await seedDocument(`${user}/voices/ready/parts/one`, { status: 'ready' });
  await seedDocument(`${user}/jobs/running`, { status: 'running' });
  await seedDocument(`${user}/requests/abc`, { status: 'ready' });
  await seedDocument(`${user}/requests/abc/parts/one`, { status: 'ready' });
  await seedDocument(`${user}/unplanned/one`, { status: 'ready' });
  await seedDocument('unplanned/one', { status: 'ready' });
});

after(() => closeSessions(sessions));

/** `own` stands for the owner's folder in the tables below, whoever comes for it. */
function resolve(path) {
  return path.replace(/^own/, `users/${sessions.owner.uid}`);
}

async function assertDenied(operation) {
  await assert.rejects(operation, (error) => {
    assert.equal(error.code, 'permission-denied', String(error));
    return true;
  });
}

/** Run `operation` as everybody: those listed succeed, all others are denied. */
function permits(what, allowed, operation) {
  for (const identity of IDENTITIES) {
    const may = allowed.includes(identity);
    test(`${identity} ${may ? 'may' : 'may not'} ${what}`, PATIENCE, async () => {
      const attempt = () => operation(sessions[identity].firestore);
      await (may ? attempt() : assertDenied(attempt));
    });
  }
}

const DOCUMENTS = [
  ['own', OWNER],
  ['own/voices/ready', OWNER],
  ['own/voices/pending', NOBODY],
  ['own/voices/deleting', NOBODY],
  ['own/voices/stateless', NOBODY],
  ['own/voices/missing', NOBODY],
  ['own/voices/ready/parts/one', NOBODY],
  ['own/generations/ready', OWNER],
  ['own/generations/pending', NOBODY],
  ['own/generations/deleting', NOBODY],
  ['own/generations/stateless', NOBODY],
  ['own/generations/missing', NOBODY],
  ['own/jobs/running', OWNER],
  ['own/requests/abc', NOBODY],
  ['own/requests/abc/parts/one', NOBODY],
  ['own/unplanned/one', NOBODY],
  ['unplanned/one', NOBODY],
];

describe('get', () => {
  for (const [path, allowed] of DOCUMENTS) {
    permits(`get ${path}`, allowed, async (firestore) => {
      const found = await getDoc(doc(firestore, resolve(path)));
      assert.ok(found.exists());
    });
  }
});

const READY = where('status', '==', 'ready');
const QUERIES = [
  ['own/voices', [], NOBODY, 'all of'],
  ['own/voices', [READY], OWNER, 'what is ready in'],
  ['own/voices', [where('status', '==', 'pending')], NOBODY, 'what is pending in'],
  ['own/voices', [where('status', 'in', ['ready', 'deleting'])], NOBODY, 'ready and deleting in'],
  ['own/voices/ready/parts', [READY], NOBODY, 'what is ready in'],
  ['own/generations', [], NOBODY, 'all of'],
  ['own/generations', [READY], OWNER, 'what is ready in'],
  ['own/generations', [where('status', '==', 'pending')], NOBODY, 'what is pending in'],
  ['own/jobs', [], OWNER, 'all of'],
  ['own/requests', [], NOBODY, 'all of'],
  ['own/requests', [READY], NOBODY, 'what is ready in'],
  ['own/unplanned', [READY], NOBODY, 'what is ready in'],
  ['unplanned', [READY], NOBODY, 'what is ready in'],
  ['users', [], NOBODY, 'all of'],
];

describe('list', () => {
  for (const [path, conditions, allowed, what] of QUERIES) {
    permits(`list ${what} ${path}`, allowed, async (firestore) => {
      const found = await getDocs(query(collection(firestore, resolve(path)), ...conditions));
      assert.equal(found.size, 1);
    });
  }
  for (const kind of ['voices', 'generations', 'jobs', 'requests']) {
    permits(`list the ready ${kind} of all users together`, NOBODY, (firestore) =>
      getDocs(query(collectionGroup(firestore, kind), READY)),
    );
  }
});

const PLACES = [
  'own/voices/%',
  'own/voices/ready/parts/%',
  'own/generations/%',
  'own/jobs/%',
  'own/requests/%',
  'own/requests/abc/parts/%',
  'own/unplanned/%',
  'unplanned/%',
];
const SEEDED = DOCUMENTS.map(([path]) => path).filter((path) => !path.endsWith('missing'));

describe('write', () => {
  for (const place of PLACES) {
    permits(`create ${place}`, NOBODY, (firestore) =>
      setDoc(doc(firestore, resolve(place).replace('%', crypto.randomUUID())), {
        status: 'ready',
      }),
    );
  }
  for (const identity of IDENTITIES.filter((name) => name !== 'signedOut')) {
    test(`${identity} may not create the own users/{uid}`, PATIENCE, async () => {
      const { firestore, uid } = sessions[identity];
      await assertDenied(() => setDoc(doc(firestore, `users/${uid}`), { voices: 0 }));
    });
  }
  for (const path of SEEDED) {
    permits(`replace ${path}`, NOBODY, (firestore) =>
      setDoc(doc(firestore, resolve(path)), { status: 'ready' }),
    );
    permits(`update ${path}`, NOBODY, (firestore) =>
      updateDoc(doc(firestore, resolve(path)), { status: 'ready', favorite: true }),
    );
    permits(`delete ${path}`, NOBODY, (firestore) => deleteDoc(doc(firestore, resolve(path))));
  }
});

/**
 * Listen, and give each snapshot's ids, or the error, to whoever asks next.
 *
 * Snapshots of the SDK's own cache are left out: the first one comes before the backend listens,
 * and the emulator loses a change that is made just then (about one run in fifteen).
 */
function listen(target) {
  const events = [];
  const waiting = [];
  const push = (event) => (waiting.shift() ?? ((late) => events.push(late)))(event);
  const stop = onSnapshot(
    target,
    { includeMetadataChanges: true },
    (snapshot) => {
      if (!snapshot.metadata.fromCache) push({ ids: snapshot.docs.map((found) => found.id) });
    },
    (error) => push({ error }),
  );
  const next = () =>
    events.length ? Promise.resolve(events.shift()) : new Promise((tell) => waiting.push(tell));
  return { next, stop };
}

describe('listen', () => {
  for (const kind of ['voices', 'generations']) {
    test(`owner sees the own ${kind} come and go`, PATIENCE, async () => {
      const path = resolve(`own/${kind}`);
      const { next, stop } = listen(query(collection(sessions.owner.firestore, path), READY));
      try {
        assert.deepEqual(await next(), { ids: ['ready'] });
        await seedDocument(`${path}/later`, { status: 'pending' });
        await seedDocument(`${path}/later`, { status: 'ready' });
        assert.deepEqual(await next(), { ids: ['later', 'ready'] });
        await seedDocument(`${path}/later`, { status: 'deleting' });
        assert.deepEqual(await next(), { ids: ['ready'] });
      } finally {
        stop();
      }
    });
  }

  test('owner follows the own job', PATIENCE, async () => {
    const { next, stop } = listen(collection(sessions.owner.firestore, resolve('own/jobs')));
    try {
      assert.deepEqual(await next(), { ids: ['running'] });
      await seedDocument(resolve('own/jobs/running'), { status: 'done' });
      assert.deepEqual(await next(), { ids: ['running'] });
    } finally {
      stop();
    }
  });

  for (const identity of IDENTITIES.filter((name) => name !== 'owner')) {
    test(`${identity} may not listen to the owner's voices`, PATIENCE, async () => {
      const voices = collection(sessions[identity].firestore, resolve('own/voices'));
      const { next, stop } = listen(query(voices, READY));
      try {
        assert.equal((await next()).error?.code, 'permission-denied');
      } finally {
        stop();
      }
    });
  }
});
