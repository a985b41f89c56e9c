import { quote } from './describe.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import type { Report } from './problem.js';
import type { PlanDocument } from './schema/plan.js';
import type { ServersDocument } from './schema/servers.js';
import { listTasks } from './task-list.js';

/**
 * Tools are named as their server gives them. A name as an agent sees it (`mcp__orch__github__get_issue`) would match
 * nothing, and in a `deny` that is a hole.
 */
export function checkServers(context: {
  readonly document: PlanDocument;
  readonly locations: Locations;
  readonly report: Report;
}): void {
  const { document, locations, report } = context;
  const places: readonly { readonly mcp?: ServersDocument; readonly path: Path }[] = [
    { ...document.defaults, path: ['defaults'] },
    ...Object.entries(document.agents ?? {}).map(([name, agent]) => ({
      ...agent,
      path: ['agents', name],
    })),
    ...listTasks(document).map(({ task, path }) => ({ ...task, path })),
  ];
  for (const { mcp = [], path } of places) {
    for (const [server, narrowed] of Array.isArray(mcp) ? [] : Object.entries(mcp)) {
      for (const list of ['allow', 'deny'] as const) {
        for (const [index, tool] of (narrowed?.[list] ?? []).entries()) {
          const own = ownName(tool, server);
          if (own === undefined) continue;
          const at = [...path, 'mcp', server, list, index];
          report.add(locations.value(at), at, {
            code: 'ORCH_PLAN_WRONG_VALUE',
            message: `expected the name of a tool as ${server} gives it, received ${quote(tool)}; write ${own}`,
            expected: `the name of a tool as ${server} gives it`,
            received: tool,
            suggestion: own,
          });
        }
      }
    }
  }
}

function ownName(tool: string, server: string): string | undefined {
  const prefix = [`mcp__orch__${server}__`, `mcp__${server}__`, `${server}__`].find((one) =>
    tool.startsWith(one),
  );
  return prefix === undefined || prefix === tool ? undefined : tool.slice(prefix.length);
}
