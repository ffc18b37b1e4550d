// Live listening, as an app does it instead of asking again and again: who hears of what, by the
// Web SDK's `onSnapshot` with the token of that user.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signOut } from 'firebase/auth';
import {
  collection,
  doc,
  onSnapshot,
  orderBy,
  query,
  setLogLevel,
  where,
} from 'firebase/firestore';
import { closeSessions, openSessions, removeDocument, seedDocument } from './emulators.mjs';

// A denial takes milliseconds; the SDK would otherwise wait for ever for a backend that is away.
const PATIENCE = { timeout: 15_000 };
const READY = where('status', '==', 'ready');
const NEWEST_FIRST = orderBy('created_at', 'desc');
const KINDS = ['voices', 'generations'];

let sessions;

// The SDK warns of every denial, and denials are what this is about.
setLogLevel('silent');

before(async () => {
  sessions = await openSessions();
  await seedDocument(own(), { voices: 1 });
  await seedDocument(own('usage/2024-02'), { voices: 1 });
  for (const kind of KINDS) {
    await seedDocument(own(`${kind}/first`), { status: 'ready', created_at: minute(1) });
    await seedDocument(own(`${kind}/gone`), { status: 'deleting', created_at: minute(2) });
  }
  await seedDocument(own('jobs/first'), { status: 'running', created_at: minute(1) });
});

after(() => closeSessions(sessions));

function own(path) {
  return ['users', sessions.owner.uid, path].filter(Boolean).join('/');
}

function minute(count) {
  return new Date(Date.UTC(2024, 1, 29, 12, count));
}

/**
 * Listen to a query or document, and give what each snapshot brought, or the error, to whoever
 * asks next.
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
      if (!snapshot.metadata.fromCache) push(snapshot);
    },
    (error) => push({ error }),
  );
  const next = () =>
    events.length ? Promise.resolve(events.shift()) : new Promise((tell) => waiting.push(tell));
  return { next, stop };
}

/** Listen while `heard` runs; it gets a function that waits for the next snapshot. */
async function listening(target, heard) {
  const { next, stop } = listen(target);
  try {
    await heard(next);
  } finally {
    stop();
  }
}

/** The next snapshot holds these documents, in this order. */
async function assertShown(next, ids) {
  const snapshot = await next();
  assert.equal(snapshot.error, undefined);
  assert.deepEqual(
    snapshot.docs.map(({ id }) => id),
    ids,
  );
  return snapshot;
}

/** The next snapshot brings this one change, and then holds these documents, in this order. */
async function assertHeard(next, change, ids) {
  const snapshot = await assertShown(next, ids);
  const changes = snapshot.docChanges().map(({ type, doc: found }) => `${type} ${found.id}`);
  assert.deepEqual(changes, [change]);
  return snapshot;
}

async function assertRefused(next) {
  const { error } = await next();
  assert.equal(error?.code, 'permission-denied', String(error));
}

describe('owner', () => {
  for (const kind of KINDS) {
    test(`hears of own ${kind} that come, change and go`, PATIENCE, async () => {
      const items = collection(sessions.owner.firestore, own(kind));
      const later = own(`${kind}/later`);
      const created = { created_at: minute(3) };
      await listening(query(items, READY, NEWEST_FIRST), async (next) => {
        await assertShown(next, ['first']);
        await seedDocument(later, { ...created, status: 'pending' });
        await seedDocument(later, { ...created, status: 'ready' });
        await assertHeard(next, 'added later', ['later', 'first']);
        await seedDocument(later, { ...created, status: 'ready', name: 'renamed' });
        const renamed = await assertHeard(next, 'modified later', ['later', 'first']);
        assert.equal(renamed.docs[0].get('name'), 'renamed');
        await seedDocument(later, { ...created, status: 'deleting' });
        await assertHeard(next, 'removed later', ['first']);
        await seedDocument(later, { ...created, status: 'ready' });
        await assertHeard(next, 'added later', ['later', 'first']);
        await removeDocument(later);
        await assertHeard(next, 'removed later', ['first']);
      });
    });
  }

  test('follows the own jobs from first to last', PATIENCE, async () => {
    const jobs = collection(sessions.owner.firestore, own('jobs'));
    const job = own('jobs/later');
    const created = { created_at: minute(3) };
    await listening(query(jobs, NEWEST_FIRST), async (next) => {
      await assertShown(next, ['first']);
      await seedDocument(job, { ...created, status: 'queued' });
      await assertHeard(next, 'added later', ['later', 'first']);
      for (const status of ['running', 'saving', 'done', 'failed', 'cancelled', 'timed_out']) {
        await seedDocument(job, { ...created, status });
        const moved = await assertHeard(next, 'modified later', ['later', 'first']);
        assert.equal(moved.docs[0].get('status'), status);
      }
      await removeDocument(job);
      await assertHeard(next, 'removed later', ['first']);
    });
  });

  for (const path of ['', 'usage/2024-02', 'jobs/first', 'voices/first', 'generations/first']) {
    test(`hears of changes of own/${path}`, PATIENCE, async () => {
      const fields = { status: path.startsWith('jobs') ? 'running' : 'ready' };
      await seedDocument(own(path), { ...fields, created_at: minute(1), count: 1 });
      await listening(doc(sessions.owner.firestore, own(path)), async (next) => {
        assert.equal((await next()).get('count'), 1);
        await seedDocument(own(path), { ...fields, created_at: minute(1), count: 2 });
        assert.equal((await next()).get('count'), 2);
      });
    });
  }

  for (const kind of KINDS) {
    test(`is cut off from one of the own ${kind} that is deleted`, PATIENCE, async () => {
      const path = own(`${kind}/doomed`);
      await seedDocument(path, { status: 'ready', created_at: minute(5) });
      await listening(doc(sessions.owner.firestore, path), async (next) => {
        assert.equal((await next()).get('status'), 'ready');
        await seedDocument(path, { status: 'deleting', created_at: minute(5) });
        await assertRefused(next);
      });
      await removeDocument(path);
    });
  }

  // What is not ready does not exist for readers, so a query must leave it out by itself.
  const REFUSED = [
    ['all own voices', 'voices', [NEWEST_FIRST]],
    ['all own generations', 'generations', [NEWEST_FIRST]],
    ['own voices that are being deleted', 'voices', [where('status', '==', 'deleting')]],
    ['own generations that are pending', 'generations', [where('status', '==', 'pending')]],
    ['own voices, ready or not', 'voices', [where('status', 'in', ['ready', 'deleting'])]],
    ['all own months', 'usage', []],
    ['own requests', 'requests', []],
  ];
  for (const [what, kind, conditions] of REFUSED) {
    test(`may not listen to ${what}`, PATIENCE, async () => {
      const items = collection(sessions.owner.firestore, own(kind));
      await listening(query(items, ...conditions), assertRefused);
    });
  }
});

describe('anybody else', () => {
  const OTHERS = ['stranger', 'anonymous', 'signedOut'];
  const TARGETS = [
    ['voices', (items) => query(items('voices'), READY, NEWEST_FIRST)],
    ['generations', (items) => query(items('generations'), READY, NEWEST_FIRST)],
    ['jobs', (items) => query(items('jobs'), NEWEST_FIRST)],
    ['account', (items) => items('voices').parent],
    ['usage', (items) => doc(items('usage'), '2024-02')],
    ['voice', (items) => doc(items('voices'), 'first')],
    ['job', (items) => doc(items('jobs'), 'first')],
  ];
  for (const [what, target] of TARGETS) {
    for (const identity of OTHERS) {
      test(`${identity} may not listen to the owner's ${what}`, PATIENCE, async () => {
        const { firestore } = sessions[identity];
        const wanted = target((kind) => collection(firestore, own(kind)));
        await listening(wanted, assertRefused);
      });
    }
  }

  test('a listener ends when its user signs out', PATIENCE, async () => {
    const { auth, firestore, uid } = sessions.stranger;
    const voices = collection(firestore, `users/${uid}/voices`);
    await listening(query(voices, READY), async (next) => {
      await assertShown(next, []);
      await signOut(auth);
      await assertRefused(next);
    });
  });
});
