// leftovers.mjs OPTIONS: calls endLeftovers with options in JSON; prints its result.
import { endLeftovers, type LeftoversOptions } from '../../src/index.js';

console.log(
  JSON.stringify(await endLeftovers(JSON.parse(process.argv[2] ?? '') as LeftoversOptions)),
);
