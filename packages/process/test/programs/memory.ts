// memory.mjs CAPTURE_BYTES: reads 200 MB of lines from a process; prints how many lines came and by how
// many bytes this process's greatest memory use grew.
import { createProcessOwner } from '../../src/index.js';

const owner = createProcessOwner({ marker: `memory-${process.pid}` });
const env = { PATH: process.env['PATH'] ?? '' };
let lines = 0;
async function read(bytes: number): Promise<number> {
  const ended = await owner.run({
    argv: ['sh', '-c', `yes "$(printf %0999d 7)" | head -c ${bytes}`],
    cwd: '/',
    env,
    captureBytes: Number(process.argv[2]),
    onStdoutLine: () => {
      lines += 1;
    },
  });
  return ended.stdout.bytes;
}

await read(4_000_000);
lines = 0;
const before = process.resourceUsage().maxRSS;
const bytes = await read(200_000_000);
const grownBytes = (process.resourceUsage().maxRSS - before) * 1024;
console.log(JSON.stringify({ bytes, lines, grownBytes }));
await owner.close();
