// Prints, as JSON, every function that has a test but no source.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const missing = readdirSync('test')
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => ({
    name: file.slice(0, -'.test.js'.length),
    wanted: readFileSync(`test/${file}`, 'utf8').split('\n')[0].slice(3),
  }))
  .filter(({ name }) => !existsSync(`src/${name}.js`));
console.log(JSON.stringify(missing));
