// witness.mjs DIRECTORY: says whether a tree is gone, knowing nothing of it but a pipe that all of it
// inherited and files that its members write to. On a line with a number of windows on stdin, it watches
// for so many windows of 2 s, and prints {gone, ended, ticking}: gone means that the pipe has ended, so
// that nobody holds it any more, and that nobody ticked for a whole window.
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const directory = process.argv[2];
let ended = false;
createReadStream(`${directory}/pipe`)
  .on('end', () => (ended = true))
  .resume();

const sizes = () =>
  new Map(
    readdirSync(directory)
      .filter((name) => name.startsWith('tick.'))
      .map((name) => [name.slice(5), statSync(`${directory}/${name}`).size]),
  );

console.log('"watching"');
for await (const line of createInterface({ input: process.stdin })) {
  let verdict;
  for (let window = 0; window < Number(line) && !verdict?.gone; window += 1) {
    const before = sizes();
    await sleep(2000);
    const ticking = [...sizes()]
      .filter(([name, size]) => size !== before.get(name))
      .map(([name]) => name);
    verdict = { gone: ended && ticking.length === 0, ended, ticking: ticking.sort() };
  }
  console.log(JSON.stringify(verdict));
}
process.exit();
