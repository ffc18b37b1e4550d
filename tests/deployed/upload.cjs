// What `firebase deploy` uploads of functions/, and the variables it gives them for a project
// (the first argument): by firebase-tools' own code. Prints one line of JSON.
const path = require("node:path");
const root = path.resolve(__dirname, "..", "..");
const {
  prepareFunctionsUpload,
} = require("firebase-tools/lib/deploy/functions/prepareFunctionsUpload");
const { loadUserEnvs } = require("firebase-tools/lib/functions/env");

async function main([projectId]) {
  const config = require(path.join(root, "firebase.json")).functions;
  const source = path.join(root, config.source);
  const packed = await prepareFunctionsUpload(root, source, config, [], undefined, {
    exportType: "zip",
  });
  const variables = loadUserEnvs({ functionsSource: source, projectId, projectDir: root });
  console.log(JSON.stringify({ archive: packed.pathToSource, variables }));
}

main(process.argv.slice(2));
