// room.mjs COUNT CONCURRENCY [direct|record]: runs COUNT short programs, CONCURRENCY at a time, where the limit of open files
// lets only some of them run side by side; prints how many ended with their own code and output, and what
// went wrong. With `direct`, child_process starts them; with `record`, each keeps one, and those that do not say how
// it ended are counted as well.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createProcessOwner, ProcessError, readRecord } from '../../src/index.js';

const [count = 0, concurrency = 0] = process.argv.slice(2, 4).map(Number);
const isDirect = process.argv[4] === 'direct';
const records =
  process.argv[4] === 'record' ? mkdtempSync(join(tmpdir(), 'process-room-')) : undefined;
const owner = createProcessOwner({ marker: `room-${process.pid}` });
const env = { PATH: process.env['PATH'] ?? '' };
const problems = new Map<string, number>();
let well = 0;
let begun = 0;

type Argv = readonly [string, ...string[]];

async function runOwned(argv: Argv, n: number): Promise<{ code: unknown; text: string }> {
  if (records === undefined) {
    const ended = await owner.run({ argv, cwd: '/', env });
    return { code: ended.code, text: ended.stdout.text };
  }
  const directory = join(records, String(n));
  const ended = await owner.run({ argv, cwd: '/', env, record: { directory } });
  const found = await readRecord(directory);
  const isSame = found.state === 'ended' && found.code === ended.code;
  return { code: isSame ? ended.code : found.state, text: ended.stdout.text };
}

async function runDirectly([program, ...args]: Argv): Promise<{ code: unknown; text: string }> {
  try {
    return { code: 0, text: (await promisify(execFile)(program, args, { env })).stdout };
  } catch (error) {
    const { code, stdout } = error as { code: unknown; stdout: string };
    return { code, text: stdout };
  }
}

async function worker(): Promise<void> {
  while (begun < count) {
    const n = (begun += 1);
    const argv = ['sh', '-c', `sleep 0.05; echo ${n}; exit ${n % 100}`] as const;
    try {
      const { code, text } = await (isDirect ? runDirectly(argv) : runOwned(argv, n));
      if (code === n % 100 && text === `${n}\n`) well += 1;
      else throw new Error(`ended with ${String(code)}`);
    } catch (error) {
      const reason = ProcessError.isInstance(error)
        ? `${error.code} ${String(error.details['reason'])}`
        : String(error);
      problems.set(reason, (problems.get(reason) ?? 0) + 1);
    }
  }
}

await Promise.all(Array.from({ length: concurrency }, worker));
const left = (await owner.left()).length;
const survivors = (await owner.close()).length;
if (records !== undefined) rmSync(records, { recursive: true });
console.log(JSON.stringify({ well, problems: Object.fromEntries(problems), left, survivors }));
