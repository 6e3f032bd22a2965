// Prints what an entry point exports, by `import` and by `require`, and what its import read of the environment.
import { createRequire } from "node:module";

const [entry] = process.argv.slice(2);
const read = [];
const environment = process.env;
process.env = new Proxy(environment, {
  get(target, name) {
    // Node's own loader reads some, too.
    if (new Error().stack.includes("node_modules")) read.push(name);
    return target[name];
  },
});
const byImport = Object.keys(await import(entry));
process.env = environment;
const byRequire = Object.keys(createRequire(import.meta.url)(entry));
console.log(JSON.stringify({ byImport: byImport.sort(), byRequire: byRequire.sort(), read }));
