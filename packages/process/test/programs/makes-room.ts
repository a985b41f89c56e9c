/** Gives a controller to the cgroups below its own; tells what came of it, and lives on until its stdin ends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { giveController, ownCgroup } from '../../src/cgroup-place.js';

const directory = ownCgroup() ?? '';
try {
  giveController(directory, process.argv[2] ?? '');
  mkdirSync(join(directory, 'below'));
  console.log(JSON.stringify({ given: true, stillOurs: ownCgroup() === directory }));
} catch (error) {
  console.log(JSON.stringify({ given: false, problem: String(error) }));
}
process.stdin.resume();
