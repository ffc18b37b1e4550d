// The running emulators: real users with real tokens by the Web SDK, and seeding with the access
// that the emulators give to an administrator ("Bearer owner"), which rules do not bind.
import { createHash, randomUUID } from 'node:crypto';
import { deleteApp, initializeApp } from 'firebase/app';
import {
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  initializeAuth,
  signInAnonymously,
} from 'firebase/auth';
import { connectFirestoreEmulator, getFirestore, terminate } from 'firebase/firestore';
import { connectStorageEmulator, getStorage } from 'firebase/storage';

const projectId = required('GCLOUD_PROJECT');
const authHost = required('FIREBASE_AUTH_EMULATOR_HOST');
const firestoreHost = required('FIRESTORE_EMULATOR_HOST');
export const storageHost = required('FIREBASE_STORAGE_EMULATOR_HOST');

// The suite gives functions the bucket's name in FIREBASE_CONFIG; without functions it has the
// default name of a demo project.
const storageBucket =
  JSON.parse(process.env.FIREBASE_CONFIG ?? '{}').storageBucket ?? `${projectId}.appspot.com`;

const ADMINISTRATOR = { authorization: 'Bearer owner' };

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run under \`firebase emulators:exec\``);
  return value;
}

function hostAndPort(address) {
  const { hostname, port } = new URL(`http://${address}`);
  return [hostname, Number(port)];
}

/** A client of its own, as in a browser, and who is signed in there. */
class Session {
  constructor(name, storageAddress = storageHost) {
    this.name = name;
    this.app = initializeApp(
      { projectId, storageBucket, apiKey: 'any', appId: 'rules-tests' },
      `${name}-${randomUUID()}`,
    );
    this.auth = initializeAuth(this.app);
    connectAuthEmulator(this.auth, `http://${authHost}`, { disableWarnings: true });
    this.firestore = getFirestore(this.app);
    connectFirestoreEmulator(this.firestore, ...hostAndPort(firestoreHost));
    this.storage = getStorage(this.app);
    connectStorageEmulator(this.storage, ...hostAndPort(storageAddress));
  }

  get uid() {
    return this.auth.currentUser?.uid;
  }

  async close() {
    await terminate(this.firestore);
    await deleteApp(this.app);
  }
}

async function signedUp(name, storageAddress) {
  const session = new Session(name, storageAddress);
  await createUserWithEmailAndPassword(session.auth, `${randomUUID()}@example.test`, 'password');
  return session;
}

async function anonymous() {
  const session = new Session('anonymous');
  await signInAnonymously(session.auth);
  return session;
}

/** Everybody the rules must tell apart; new users on every call, so that runs never meet. */
export async function openSessions() {
  return {
    owner: await signedUp('owner'),
    stranger: await signedUp('stranger'),
    anonymous: await anonymous(),
    signedOut: new Session('signedOut'),
  };
}

/** A new user whose way to Storage is the given one, such as a line that can be cut. */
export function openSessionThrough(storageAddress) {
  return signedUp('distant', storageAddress);
}

export async function closeSessions(sessions) {
  await Promise.all(Object.values(sessions).map((session) => session.close()));
}

function documentUrl(path) {
  return `http://${firestoreHost}/v1/projects/${projectId}/databases/(default)/documents/${path}`;
}

/** Firestore's REST form of the kinds of value that the tests need. */
function typed(value) {
  if (value === null) return { nullValue: null };
  if (value instanceof Date) return { timestampValue: value.toISOString() };
  if (typeof value === 'object') return { mapValue: { fields: typedMembers(value) } };
  return typeof value === 'number' ? { integerValue: String(value) } : { stringValue: value };
}

function typedMembers(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typed(value)]));
}

/** Write a document past the rules: texts, whole numbers, times, maps of these, and null. */
export async function seedDocument(path, fields) {
  await answered(documentUrl(path), {
    method: 'PATCH',
    headers: { ...ADMINISTRATOR, 'content-type': 'application/json' },
    body: JSON.stringify({ fields: typedMembers(fields) }),
  });
}

/** Give a user a slot, as the API does; return the path of its upload. */
export async function openSlot(uid, changes = {}) {
  const { upload_id: id, ...fields } = {
    upload_id: `upload_${randomUUID().replaceAll('-', '')}`,
    size_bytes: 200 * 1024 * 1024,
    content_type: 'audio/wav',
    open_until: new Date(Date.now() + 60_000),
    taken: null,
    ...changes,
  };
  await seedDocument(`users/${uid}/uploads/${id}`, fields);
  return `uploads/${uid}/${id}`;
}

/** Remove a document past the rules. */
export async function removeDocument(path) {
  await answered(documentUrl(path), { method: 'DELETE', headers: ADMINISTRATOR });
}

/** Write an object past the rules. */
export async function seedObject(path, content) {
  const name = encodeURIComponent(path);
  const url = `http://${storageHost}/upload/storage/v1/b/${storageBucket}/o?uploadType=media&name=${name}`;
  await answered(url, {
    method: 'POST',
    headers: { ...ADMINISTRATOR, 'content-type': 'audio/wav' },
    body: content,
  });
}

/** Read an object past the rules: its metadata, length and SHA-256; null when there is none. */
export async function storedObject(path) {
  const url = `http://${storageHost}/storage/v1/b/${storageBucket}/o/${encodeURIComponent(path)}`;
  const request = { headers: ADMINISTRATOR, signal: AbortSignal.timeout(60_000) };
  const metadata = await fetch(url, request);
  if (metadata.status === 404) return null;
  const bytes = await (await fetch(`${url}?alt=media`, request)).arrayBuffer();
  const sha256 = createHash('sha256').update(Buffer.from(bytes)).digest('hex');
  return { metadata: await metadata.json(), size: bytes.byteLength, sha256 };
}

/** Remove an object past the rules. */
export async function removeObject(path) {
  const name = encodeURIComponent(path);
  const url = `http://${storageHost}/storage/v1/b/${storageBucket}/o/${name}`;
  await answered(url, { method: 'DELETE', headers: ADMINISTRATOR });
}

async function answered(url, request) {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}
