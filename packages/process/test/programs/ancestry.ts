import { ancestry } from '../../src/index.js';

/** Prints the process numbers in whose environments the variable stands that the argument names. */
const name = process.argv[2] ?? '';
const pids = [...ancestry()].flatMap(({ pid, environment }) =>
  environment[name] === undefined ? [] : [pid],
);
process.stdout.write(JSON.stringify(pids));
