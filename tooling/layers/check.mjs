import { builtinModules } from 'node:module';
import path from 'node:path';
import { readdirSync, existsSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import { browserEntries, layers } from './layers.mjs';

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const names = Object.keys(layers).map((directory) => path.basename(directory));
const anyOf = (list) => `(?:${list.map(escape).join('|')})`;

/** dependency-cruiser rules made from the table. */
function rules() {
  const made = [];
  for (const [directory, { may, tests = [] }] of Object.entries(layers)) {
    const name = path.basename(directory);
    const parts =
      directory === 'test'
        ? [['', tests]]
        : [
            ['src', may],
            ['test', [...may, ...tests]],
          ];
    for (const [part, allowed] of parts) {
      const others = names.filter(
        (other) => other !== name && !allowed.includes(other) && other !== 'test',
      );
      made.push({
        name: `layer-${name}${part && `-${part}`}`,
        severity: 'error',
        from: { path: `^${escape(directory)}/${part && `${part}/`}` },
        to: { path: `^(?:packages|apps)/${anyOf(others)}/` },
      });
    }
    made.push({
      name: `own-face-${name}`,
      comment: 'other packages are imported by their public face, never by a path into them',
      severity: 'error',
      from: { path: `^${escape(directory)}/` },
      to: {
        path: '^(?:packages|apps)/',
        pathNot: `^${escape(directory)}/`,
        dependencyTypes: ['local'],
      },
    });
  }
  for (const entry of browserEntries) {
    made.push({
      name: 'no-node-in-browser',
      severity: 'error',
      from: { path: `^${escape(entry)}` },
      to: { reachable: true, path: `^(?:node:)?${anyOf(builtinModules)}$` },
    });
  }
  made.push({
    name: 'no-circular',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  });
  made.push({ name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } });
  return made;
}

/** Checks the tree below `root`. Resolves with one line per violation. */
export async function checkLayers(root) {
  const unlisted = ['packages', 'apps'].flatMap((group) =>
    existsSync(path.join(root, group))
      ? readdirSync(path.join(root, group))
          .map((name) => `${group}/${name}`)
          .filter(
            (directory) =>
              existsSync(path.join(root, directory, 'package.json')) && !(directory in layers),
          )
      : [],
  );
  const sources = Object.keys(layers)
    .flatMap((directory) =>
      directory === 'test' ? ['test'] : [`${directory}/src`, `${directory}/test`],
    )
    .filter((directory) => existsSync(path.join(root, directory)));
  const { output } = await cruise(sources, {
    baseDir: root,
    ruleSet: { forbidden: rules() },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['testdata', 'vitest\\.config', 'tsup\\.config'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@orch/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
  });
  return [
    ...unlisted.map((directory) => `${directory} is not in tooling/layers/layers.mjs`),
    ...output.summary.violations.map((found) => `${found.rule.name}: ${found.from} -> ${found.to}`),
  ];
}

if (process.argv[1] === import.meta.filename) {
  const problems = await checkLayers(
    path.resolve(process.argv[2] ?? path.resolve(import.meta.dirname, '../..')),
  );
  for (const problem of problems) console.log(problem);
  console.log(
    problems.length === 0
      ? 'layers hold'
      : `${problems.length} imports break the table in tooling/layers/layers.mjs`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
