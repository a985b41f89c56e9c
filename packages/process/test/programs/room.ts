// room.mjs COUNT CONCURRENCY: runs COUNT short programs, CONCURRENCY at a time, where the limit of open files
// lets only some of them run side by side; prints how many ended with their own code and output, and what
// went wrong.
import { createProcessOwner, ProcessError } from '../../src/index.js';

const [count = 0, concurrency = 0] = process.argv.slice(2).map(Number);
const owner = createProcessOwner({ marker: `room-${process.pid}` });
const env = { PATH: process.env['PATH'] ?? '' };
const problems = new Map<string, number>();
let well = 0;
let begun = 0;

async function worker(): Promise<void> {
  while (begun < count) {
    const n = (begun += 1);
    const argv = ['sh', '-c', `sleep 0.05; echo ${n}; exit ${n % 100}`] as const;
    try {
      const ended = await owner.run({ argv, cwd: '/', env });
      if (ended.code === n % 100 && ended.stdout.text === `${n}\n`) well += 1;
      else throw new Error(`ended with ${ended.code}, ${ended.reason}`);
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
console.log(JSON.stringify({ well, problems: Object.fromEntries(problems), left, survivors }));
