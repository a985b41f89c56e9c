// Runs the tests of every function that has a source: the others are still being written.
// `--without NAME` leaves one out.
import { existsSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const without = process.argv[2] === '--without' ? `${process.argv[3]}.test.js` : undefined;
const tests = readdirSync('test')
  .filter((file) => file !== without && existsSync(`src/${file.replace('.test', '')}`))
  .map((file) => `test/${file}`);
const { status } = spawnSync(process.execPath, ['--test', ...tests], { stdio: 'inherit' });
process.exit(status ?? 1);
