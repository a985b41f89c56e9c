import { deferred } from './deferred.js';
import { spawnLeader } from './spawn.js';
import { places } from './system-program.js';

export const probeEnvironment = { PATH: places.join(':') };

export interface Said {
  readonly code: number;
  readonly said: string;
}

/** Runs a program to its end; the exit code and what it said. */
export async function runProbe(argv: readonly [string, ...string[]]): Promise<Said> {
  const { promise, resolve } = deferred<Said>();
  await spawnLeader(
    { argv, cwd: '/', env: probeEnvironment },
    ['ignore', 'pipe', 'pipe'],
    (child) => {
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? -1, said: said.trim() });
      });
    },
  );
  return promise;
}
