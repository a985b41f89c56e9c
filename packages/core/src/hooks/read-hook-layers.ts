import { createSettings, formatProblem, type Json, type Source } from '@orch/config';
import type { HookLayer, HookPolicy, Tier } from '@orch/hooks';
import { settingsSources, type SettingsPlaces } from '../settings/sources.js';

/**
 * What the settings of all tiers say about hooks, each for itself: hooks are not merged, and what stands in
 * them is not filled in. Reads files and executes nothing.
 */
export async function readHookLayers(
  places: SettingsPlaces,
): Promise<{ readonly layers: readonly HookLayer[]; readonly policy: HookPolicy }> {
  const read = await Promise.all(settingsSources(places).map(readSource));
  const trusted = read.filter(({ layer }) => layer.tier === 'managed' || layer.tier === 'user');
  const texts = (key: 'shell' | 'hosts'): readonly string[] =>
    trusted.flatMap(({ policy }) => {
      const list = isObject(policy) ? policy[key] : undefined;
      return Array.isArray(list) ? list.filter((text) => typeof text === 'string') : [];
    });
  return {
    layers: read
      .map(({ layer }) => layer)
      .filter(({ hooks, problem }) => hooks !== undefined || problem !== undefined),
    policy: { shell: texts('shell'), hosts: texts('hosts') },
  };
}

async function readSource(
  source: Source,
): Promise<{ readonly layer: HookLayer; readonly policy: unknown }> {
  const { merged, problems } = await createSettings({ sources: [source], variables: 'off' }).load();
  const layer = { tier: source.tier as Tier, source: nameOf(source) };
  const fault = problems.find(({ severity }) => severity === 'error');
  if (fault !== undefined) {
    const { line, column, message } = fault;
    const isOneFile = 'file' in source && line !== undefined;
    const problem = isOneFile
      ? `line ${line}, column ${column ?? 1}: ${message}`
      : formatProblem(fault);
    return { layer: { ...layer, hooks: undefined, problem }, policy: undefined };
  }
  const said = isObject(merged) ? merged : {};
  return { layer: { ...layer, hooks: said['hooks'] }, policy: said['hookPolicy'] };
}

const nameOf = (source: Source): string =>
  'file' in source ? source.file : 'directory' in source ? source.directory : 'settings';

const isObject = (value: unknown): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
