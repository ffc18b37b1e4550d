// What each kind of user may do in Firestore, by the Web SDK with the token of that user. Listening
// is in listening.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  collection,
  collectionGroup,
  deleteDoc,
  doc,
  documentId,
  getDoc,
  getDocs,
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
  await seedDocument(user, { voices: 1 });
  for (const kind of ['voices', 'generations']) {
    for (const status of ['pending', 'ready', 'deleting']) {
      await seedDocument(`${user}/${kind}/${status}`, { status });
    }
    await seedDocument(`${user}/${kind}/stateless`, { name: 'without a status' });
  }
  await seedDocument(`${user}/voices/ready/parts/one`, { status: 'ready' });
  await seedDocument(`${user}/jobs/running`, { status: 'running' });
  await seedDocument(`${user}/usage/2024-02`, { voices: 1 });
  await seedDocument(`${user}/usage/2024-02/parts/one`, { status: 'ready' });
  await seedDocument(`${user}/requests/abc`, { status: 'ready' });
  await seedDocument(`${user}/requests/abc/parts/one`, { status: 'ready' });
  await seedDocument(`${user}/uploads/slot`, { status: 'ready' });
  await seedDocument(`${user}/job_secrets/running`, { status: 'ready' });
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
  ['own/usage/2024-02', OWNER],
  ['own/usage/2024-02/parts/one', NOBODY],
  ['own/requests/abc', NOBODY],
  ['own/requests/abc/parts/one', NOBODY],
  ['own/uploads/slot', NOBODY],
  ['own/job_secrets/running', NOBODY],
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
  ['own/usage', [], NOBODY, 'all of'],
  ['own/usage', [READY], NOBODY, 'what is ready in'],
  ['own/requests', [], NOBODY, 'all of'],
  ['own/requests', [READY], NOBODY, 'what is ready in'],
  ['own/uploads', [], NOBODY, 'all of'],
  ['own/job_secrets', [], NOBODY, 'all of'],
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
  permits('list users by the id of the owner', NOBODY, (firestore) =>
    getDocs(query(collection(firestore, 'users'), where(documentId(), '==', sessions.owner.uid))),
  );
  for (const kind of ['voices', 'generations', 'jobs', 'usage', 'requests', 'uploads']) {
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
  'own/usage/%',
  'own/requests/%',
  'own/requests/abc/parts/%',
  'own/uploads/%',
  'own/job_secrets/%',
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
