import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../src/index.js';
import { fillIn, presets, resolveNpx } from '../src/config/index.js';
import { startWitness, temporaryDirectory } from '../test/scene.js';
import { caller, environment } from '../test/servers/installed.js';

const require = createRequire(import.meta.url);
const packages = {
  cclsp: dirname(require.resolve('cclsp/package.json')),
  languageServer: dirname(require.resolve('typescript-language-server/package.json')),
  typescript: dirname(require.resolve('typescript/package.json')),
};

const shape = `export interface Shape {
  area(): number;
}

export class Square implements Shape {
  constructor(private side: number) {}
  area(): number {
    return square(this.side);
  }
}

export function square(n: number): number {
  return n * n;
}
`;
const main = `import { square, Square } from './shape.js';

export function total(): number {
  return square(2) + new Square(3).area();
}

const wrong: string = total();
console.log(wrong);
`;

// Its first call takes half a minute on a busy machine: it waits for a language server that tells when it is ready.
test('cclsp: all 12 tools on a TypeScript project, and what they do to its files', async ({
  onTestFinished,
}) => {
  const root = temporaryDirectory(onTestFinished);
  const at = (name: string): string => join(root, name);
  mkdirSync(at('src'));
  mkdirSync(at('node_modules'));
  symlinkSync(packages.typescript, at('node_modules/typescript'));
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022' };
  writeFileSync(at('tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  writeFileSync(at('src/shape.ts'), shape);
  writeFileSync(at('src/main.ts'), main);
  const languageServer = join(packages.languageServer, 'lib/cli.mjs');
  const command = [process.execPath, languageServer, '--stdio'];
  writeFileSync(
    at('cclsp.json'),
    JSON.stringify({ servers: [{ extensions: ['ts'], command, rootDir: root }] }),
  );
  const witness = startWitness();
  const preset = fillIn(presets.cclsp({ config: at('cclsp.json') }));
  const { spec, why } = resolveNpx(preset, { cwd: import.meta.dirname });
  expect(why).toBe('cclsp@0.7.0');
  if (!('command' in spec)) throw new Error('It is a program.');
  expect(spec.args?.[0]).toContain(packages.cclsp);
  const server = await connect(
    { ...spec, cwd: root, env: { ...spec.env, ...witness.env }, timeoutMs: 180_000 },
    { environment: { ...environment, HOME: root } },
  );
  onTestFinished(() => server.close());
  const { call, expectAllCalled } = caller(server);
  /** Places of a project's files in a text, as `file:line:column`. */
  const places = (text: string): readonly string[] =>
    [...new Set(text.match(/(?<=\/src\/)\w+\.ts:\d+:\d+/g))].sort();
  const inShape = { file_path: at('src/shape.ts') };
  const inMain = { file_path: at('src/main.ts') };
  const square = { ...inShape, line: 12, character: 17 };

  const definition = await call('find_definition', { ...inMain, symbol_name: 'total' });
  expect(places(definition.text)).toEqual(['main.ts:3:17']);
  const references = await call('find_references', { ...inShape, symbol_name: 'square' });
  expect(places(references.text)).toEqual([
    'main.ts:1:10',
    'main.ts:4:10',
    'shape.ts:12:17',
    'shape.ts:8:12',
  ]);
  const hover = await call('get_hover', { ...inMain, line: 4, character: 11 });
  expect(hover.text).toContain('square(n: number): number');
  // Cclsp does not tell the language server that it takes diagnostics, so this one gives it none, of no file.
  expect((await call('get_diagnostics', inMain)).text).toContain('No diagnostics found');
  const symbols = await call('find_workspace_symbols', { query: 'Square' });
  expect(symbols.text).toContain('Square (class)');
  const shapes = await call('find_implementation', { ...inShape, line: 1, character: 18 });
  expect(places(shapes.text)).toEqual(['shape.ts:5:14']);
  expect(places((await call('prepare_call_hierarchy', square)).text)).toEqual(['shape.ts:12:17']);
  const incoming = await call('get_incoming_calls', square);
  expect(places(incoming.text)).toEqual(['main.ts:3:17', 'shape.ts:7:3']);
  const outgoing = await call('get_outgoing_calls', { ...inMain, line: 3, character: 17 });
  expect(places(outgoing.text)).toEqual(['shape.ts:12:17', 'shape.ts:5:14', 'shape.ts:7:3']);

  const renaming = { ...inShape, symbol_name: 'square', new_name: 'squared' };
  expect((await call('rename_symbol', { ...renaming, dry_run: true })).text).toContain('DRY RUN');
  expect(readFileSync(at('src/shape.ts'), 'utf8')).toBe(shape);
  await call('rename_symbol', renaming);
  await call('rename_symbol_strict', { ...inMain, line: 3, character: 17, new_name: 'sum' });
  expect(readFileSync(at('src/shape.ts'), 'utf8')).toBe(shape.replaceAll('square(', 'squared('));
  expect(readFileSync(at('src/main.ts'), 'utf8')).toBe(
    main.replaceAll(/\bsquare\b/g, 'squared').replaceAll('total', 'sum'),
  );
  expect((await call('restart_server', { extensions: ['ts'] })).text).toContain('restarted 1');
  await expectAllCalled(12);

  // The language servers that it started, and has forgotten since, end with it.
  expect(witness.alive().length).toBeGreaterThan(1);
  await server.close();
  expect(witness.alive()).toEqual([]);
});
