// flood.mjs SCRIPT CAPTURE_BYTES LINE: runs a shell script that writes much. With LINE, its lines are handed
// over and compared with LINE. Prints how it ended, what came, and by how many bytes this process's greatest
// memory use grew.
import { createProcessOwner } from '../../src/index.js';

const [script = '', captureBytes = '', expected] = process.argv.slice(2);
const owner = createProcessOwner({ marker: `flood-${process.pid}` });
let lines = 0;
let wrong = 0;
const run = (text: string) =>
  owner.run({
    argv: ['sh', '-c', text],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    captureBytes: Number(captureBytes),
    ...(expected === undefined
      ? {}
      : {
          onStdoutLine(line: string) {
            lines += 1;
            if (line !== expected) wrong += 1;
          },
        }),
  });

await run(`yes '${expected ?? ''}' | head -c 8000000`); // so that everything is loaded and warm
[lines, wrong] = [0, 0];
const before = process.resourceUsage().maxRSS;
const { reason, code, stdout, survivors } = await run(script);
const grownBytes = (process.resourceUsage().maxRSS - before) * 1024;
const { bytes, sha256 } = stdout;
const left = survivors.length;
console.log(JSON.stringify({ reason, code, bytes, sha256, lines, wrong, left, grownBytes }));
await owner.close();
