/** Prints the table of the README: `pnpm bench jsonl --filter corruption`. */
import { Readable } from 'node:stream';
import { readAll } from '@orch/jsonl';
import { corruptionTable } from './corruption-table.js';

console.log(await corruptionTable((bytes) => readAll(Readable.from([bytes]))));
