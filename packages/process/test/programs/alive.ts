// alive.mjs IDENTITY: says whether that process lives, as seen from here, and who this process is; then
// the same of itself, and of a process of its own that has ended. Stays until its stdin ends.
import { spawnSync } from 'node:child_process';
import { identify, isAlive, type ProcessIdentity } from '../../src/index.js';

const other = JSON.parse(process.argv[2] ?? '') as ProcessIdentity;
const self = identify(process.pid);
if (self === undefined) throw new Error('it cannot see itself');
const { pid } = spawnSync('true');
const answers = [isAlive(other), isAlive(self), isAlive({ ...self, pid })];
console.log(JSON.stringify({ self, answers }));
process.stdin.resume();
