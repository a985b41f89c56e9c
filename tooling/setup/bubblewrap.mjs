// Installs bubblewrap from the system's own packages (Debian, Ubuntu) where it is missing, and checks its
// version: the proofs of @orch/process hold trees by it. Needs root; without it, says what to run.
import { spawnSync } from 'node:child_process';

const oldest = [0, 8];

function version() {
  const { stdout } = spawnSync('bwrap', ['--version'], { encoding: 'utf8' });
  return /(\d+)\.(\d+)\.\d+/.exec(stdout ?? '');
}

if (version() === null) {
  const argv = ['install', '--yes', '--no-install-recommends', 'bubblewrap'];
  if (process.getuid?.() !== 0) {
    console.error(`bubblewrap is missing. Run: sudo apt-get ${argv.join(' ')}`);
    process.exit(1);
  }
  spawnSync('apt-get', ['update'], { stdio: 'inherit' });
  spawnSync('apt-get', argv, { stdio: 'inherit' });
}
const found = version();
const [major, minor] = (found ?? []).slice(1).map(Number);
if (!(major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) {
  console.error(
    `bubblewrap ${found?.[0] ?? '(none)'} was found, expected ${oldest.join('.')} or newer.`,
  );
  process.exit(1);
}
console.log(`bubblewrap ${found[0]}`);
