// The examples of a README, tried as a stranger would: in a folder where only the package is installed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** In a README with this mark all examples in `js` and `ts` must hold; others are not looked at. */
const mark = '<!-- examples run -->';

/**
 * Runs each example that says what it prints (`console.log(…); // this`), and checks the types of
 * those in TypeScript, strictly, with and without skipLibCheck. Throws what does not hold.
 */
export function checkExamples(folder, name, root) {
  const readme = readFileSync(path.join(folder, 'node_modules', name, 'README.md'), 'utf8');
  if (!readme.includes(mark)) return 0;
  const examples = [...readme.matchAll(/```(js|ts)\n([^]*?)```/g)].map(([, language, code]) => ({
    language,
    code,
    prints: [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text),
  }));
  for (const [index, { language, code, prints }] of examples.entries()) {
    const directory = path.join(folder, `example-${index}`);
    mkdirSync(directory);
    writeFileSync(path.join(directory, 'package.json'), '{ "type": "module" }\n');
    const file = `example.${language}`;
    writeFileSync(path.join(directory, file), code);
    if (language === 'ts') compile(directory, file, root);
    if (prints.length === 0) continue;
    const printed = run(process.execPath, ['example.js'], directory).trim();
    if (printed !== prints.join('\n')) {
      throw new Error(
        `Example ${index + 1} of the README of ${name} printed\n${printed}\nand promises\n${prints.join('\n')}`,
      );
    }
  }
  return examples.length;
}

/** Node's own types are all that is expected of a stranger. */
function compile(directory, file, root) {
  mkdirSync(path.join(directory, 'node_modules', '@types'), { recursive: true });
  symlinkSync(
    path.join(root, 'node_modules', '@types', 'node'),
    path.join(directory, 'node_modules', '@types', 'node'),
  );
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const target = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node', file];
  for (const skip of ['true', 'false']) {
    run(process.execPath, [tsc, ...strict, '--skipLibCheck', skip, ...target], directory);
  }
}

function run(program, argv, cwd) {
  return execFileSync(program, argv, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
