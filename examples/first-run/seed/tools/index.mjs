// Exports every function from src/index.js and lists them in the README.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const names = readdirSync('src')
  .filter((file) => file.endsWith('.js') && file !== 'index.js')
  .map((file) => file.slice(0, -'.js'.length))
  .sort();
writeFileSync(
  'src/index.js',
  names.map((name) => `export { ${name} } from './${name}.js';\n`).join(''),
);
const readme = readFileSync('README.md', 'utf8').split('\n## Functions')[0].trimEnd();
writeFileSync(
  'README.md',
  `${readme}\n\n## Functions\n\n${names.map((name) => `- ${name}`).join('\n')}\n`,
);
console.log(`${names.length} functions`);
