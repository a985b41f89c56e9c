import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { HookLayer, HookPolicy, Tier } from '@orch/hooks';
import { LineCounter, parseDocument } from 'yaml';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the settings of all tiers say about hooks. Reads files and executes nothing. */
export async function readHookLayers(
  project: string,
  environment: Environment,
): Promise<{ readonly layers: readonly HookLayer[]; readonly policy: HookPolicy }> {
  const home = environment['HOME'] || homedir();
  const xdg = environment['XDG_CONFIG_HOME'];
  const config = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.config');
  const files: readonly (readonly [Tier, string])[] = [
    ['managed', '/etc/orch/settings.yaml'],
    ['user', path.join(config, 'orch', 'settings.yaml')],
    ['local', path.join(project, '.orch', 'settings.local.yaml')],
    ['project', path.join(project, 'orch.settings.yaml')],
  ];
  const read = await Promise.all(files.map(([tier, file]) => readLayer(tier, file)));
  const found = read.filter((one) => one !== undefined);
  const allowed = found.filter(({ layer }) => layer.tier === 'managed' || layer.tier === 'user');
  const texts = (key: 'shell' | 'hosts'): readonly string[] =>
    allowed.flatMap(({ allow }) => {
      const list = allow[key];
      return Array.isArray(list) ? list.filter((text) => typeof text === 'string') : [];
    });
  return {
    layers: found.map(({ layer }) => layer),
    policy: { shell: texts('shell'), hosts: texts('hosts') },
  };
}

async function readLayer(
  tier: Tier,
  source: string,
): Promise<{ readonly layer: HookLayer; readonly allow: Record<string, unknown> } | undefined> {
  let text: string;
  try {
    text = await readFile(source, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return { layer: { tier, source, hooks: undefined, problem: message }, allow: {} };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: false, stringKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    const problem = `line ${line}, column ${col}: ${fault.message.split('\n')[0] ?? ''}`;
    return { layer: { tier, source, hooks: undefined, problem }, allow: {} };
  }
  // Aliases are not followed far: a file of some kilobytes must not become gigabytes.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const settings = isObject(value) ? value : {};
  const allow = settings['hooks_allow'];
  return {
    layer: { tier, source, hooks: settings['hooks'] },
    allow: isObject(allow) ? allow : {},
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
