// A user's browser: signs up, prints the uid, and then for each line of a path prints the document
// there as the Web SDK reads it: its fields, or the code of the refusal.
import { createInterface } from 'node:readline';
import { doc, getDoc, setLogLevel } from 'firebase/firestore';
import { closeSessions, openSessionThrough, storageHost } from '../rules/emulators.mjs';

// The SDK warns of every denial.
setLogLevel('silent');
const owner = await openSessionThrough(storageHost);
console.log(JSON.stringify(owner.uid));
for await (const path of createInterface({ input: process.stdin })) {
  const read = getDoc(doc(owner.firestore, path)).then((found) => found.data() ?? null);
  console.log(JSON.stringify(await read.catch(({ code }) => code)));
}
await closeSessions({ owner });
