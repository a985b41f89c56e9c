import type { RegistryServer, ServerPlan } from '../registry/index.js';
import type { Host } from './host.js';
import { targetOf } from './list.js';
import { exitCode } from './report.js';
import { oneLine } from './terminal-text.js';

interface SearchFlags {
  readonly json?: boolean;
  readonly registry?: string;
  readonly most?: number;
}

/** The registry package, loaded when it is needed, with a registry opened. */
export async function openRegistry(url: string | undefined) {
  const { createRegistry, toServerSpec } = await import('../registry/index.js');
  return { open: createRegistry(url === undefined ? {} : { url }), toServerSpec };
}

/** `search TEXT`: servers of the registry, and how each would be started. Starts nothing. */
export async function searchVerb(host: Host, text: string, flags: SearchFlags): Promise<number> {
  const { open, toServerSpec } = await openRegistry(flags.registry);
  const { signal } = host;
  const { most = 20 } = flags;
  const servers = await open.search({ text, most, signal });
  const planOf = (server: RegistryServer): ServerPlan | string => {
    try {
      return toServerSpec(server);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const rows = servers.map((server) => ({ server, plan: planOf(server) }));
  if (flags.json)
    host.json(
      rows.map(({ server: { name, title, description, version, status }, plan }) => ({
        ...{ name, title, description, version, status },
        ...(typeof plan === 'string' ? { unusable: plan } : plan),
      })),
    );
  else if (rows.length === 0) host.line(`${open.url} lists no server with ${oneLine(text)}.`);
  else
    for (const { server, plan } of rows) {
      const state = server.status === 'active' ? '' : ` (${server.status})`;
      host.line(`${oneLine(server.name)} ${oneLine(server.version)}${state}`);
      host.line(`    ${oneLine(server.description, 160)}`);
      host.line(`    ${typeof plan === 'string' ? oneLine(plan) : oneLine(targetOf(plan.spec))}`);
    }
  return exitCode.ok;
}
