// Uploads a file as a page does it, with the Web SDK's resumable upload: `node upload_by_sdk.mjs EMAIL
// PASSWORD PATH TYPE FILE`. Prints "uploaded", or the code of the SDK's error.
import { readFile } from 'node:fs/promises';
import { deleteApp, initializeApp } from 'firebase/app';
import { connectAuthEmulator, initializeAuth, signInWithEmailAndPassword } from 'firebase/auth';
import { connectStorageEmulator, getStorage, ref, uploadBytesResumable } from 'firebase/storage';

const [email, password, path, contentType, file] = process.argv.slice(2);
const { GCLOUD_PROJECT, STORAGE_BUCKET, FIREBASE_AUTH_EMULATOR_HOST } = process.env;
const storageHost = new URL(`http://${process.env.FIREBASE_STORAGE_EMULATOR_HOST}`);

const app = initializeApp({
  projectId: GCLOUD_PROJECT,
  storageBucket: STORAGE_BUCKET,
  apiKey: 'any',
  appId: 'uploads',
});
const auth = initializeAuth(app);
connectAuthEmulator(auth, `http://${FIREBASE_AUTH_EMULATOR_HOST}`, { disableWarnings: true });
const storage = getStorage(app);
connectStorageEmulator(storage, storageHost.hostname, Number(storageHost.port));

await signInWithEmailAndPassword(auth, email, password);
try {
  await uploadBytesResumable(ref(storage, path), await readFile(file), { contentType });
  console.log('uploaded');
} catch (error) {
  console.log(error.code);
}
await deleteApp(app);
