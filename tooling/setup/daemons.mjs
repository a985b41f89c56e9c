// Installs tmux and at from the system's own packages (Debian, Ubuntu) where they are missing: the tests of @orch/process
// ask them, while they run, to start something outside of a tree. Needs root; without it, says what to run.
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const isThere = {
  tmux: () => spawnSync('tmux', ['-V']).status === 0,
  at: () => existsSync('/usr/sbin/atd'),
};
const missing = () => Object.keys(isThere).filter((name) => !isThere[name]());

const wanted = missing();
if (wanted.length > 0) {
  const argv = ['install', '--yes', '--no-install-recommends', ...wanted];
  if (process.getuid?.() !== 0) {
    console.error(`${wanted.join(' and ')} missing. Run: sudo apt-get ${argv.join(' ')}`);
    process.exit(1);
  }
  spawnSync('apt-get', ['update'], { stdio: 'inherit' });
  spawnSync('apt-get', argv, { stdio: 'inherit' });
}
const still = missing();
if (still.length > 0) {
  console.error(`${still.join(' and ')} could not be installed. Install them by hand.`);
  process.exit(1);
}
console.log(`${spawnSync('tmux', ['-V'], { encoding: 'utf8' }).stdout.trim()}, at`);
