// Writes docs/<name>.md from the first comment and the test of a function.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const name = process.env.ORCH_INPUT_NAME;
const source = readFileSync(`src/${name}.js`, 'utf8');
const wanted = readFileSync(`test/${name}.test.js`, 'utf8').split('\n')[0].slice(3);
const examples = readFileSync(`test/${name}.test.js`, 'utf8').match(/assert\.equal\(.*\);/g) ?? [];
mkdirSync('docs', { recursive: true });
writeFileSync(
  `docs/${name}.md`,
  [
    `# ${name}`,
    '',
    wanted,
    '',
    '```js',
    ...examples,
    '```',
    '',
    `${source.split('\n').length} lines.`,
    '',
  ].join('\n'),
);
console.log(`docs/${name}.md`);
