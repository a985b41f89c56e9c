import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHub, inMemory } from '@orch/mcp';
import { bound, compare, median, perCpuSecond, perSecond } from '../../../tooling/bench/compare.js';
import { callMany, name, orch, sdk } from './clients.js';

/** The answer of the least server that there is. */
function answer(message: object): object | undefined {
  const { id, method, params } = message as {
    id?: number;
    method: string;
    params: { protocolVersion: string; arguments: { say: string } };
  };
  if (id === undefined) return undefined;
  const result =
    method === 'initialize'
      ? {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'echo', version: '1' },
        }
      : { content: [{ type: 'text', text: params.arguments.say }] };
  return { jsonrpc: '2.0', id, result };
}

const open = inMemory((end) => {
  end.onmessage = (message) => {
    const said = answer(message);
    if (said !== undefined) void end.send(said);
  };
});
const [clientEnd, serverEnd] = InMemoryTransport.createLinkedPair();
serverEnd.onmessage = (message) => {
  const said = answer(message);
  if (said !== undefined) void serverEnd.send(said as JSONRPCMessage);
};

const ours = await orch({ type: 'custom', open });
const theirs = await sdk(clientEnd);
const count = 20_000;
const speed = (who: typeof ours) => () => perSecond(count, () => callMany(who, count, 64));
await compare({
  suite: 'mcp',
  case: 'in memory, 64 calls in flight',
  unit: 'calls/s',
  better: 'higher',
  ours: speed(ours),
  peers: [{ name, run: speed(theirs), target: 1 }],
  rounds: 5,
});

// What the filters of a hub and of its server cost a call: the same calls with and without them.
const tools = Array.from({ length: 200 }, (_, index) => `tool_${index}`);
const many = Array.from({ length: 50 }, (_, index) => `*_secret_${index}_*`);
const filtered = createMcpHub({
  servers: { one: { type: 'custom', open, tools: { allow: ['tool_*'], deny: many } } },
  policy: { tools: { allow: ['one__*', 'two__*'], deny: many } },
});
const free = createMcpHub({ servers: { one: { type: 'custom', open } } });
const through = async (call: (tool: string) => Promise<unknown>): Promise<void> => {
  for (let n = 0; n < count; n += 1) await call(tools[n % tools.length] as string);
};
const cpuOf = async (work: () => Promise<void>): Promise<number> =>
  1e6 / (await perCpuSecond(count, work));
const costs: number[] = [];
for (let round = 0; round <= 7; round += 1) {
  const withThem = await cpuOf(() =>
    through((tool) => filtered.call(`one__${tool}`, { say: 'x' })),
  );
  const without = await cpuOf(() => through((tool) => free.server('one').call(tool, { say: 'x' })));
  if (round > 0) costs.push(withThem - without);
}
bound({
  suite: 'mcp',
  case: 'names and filters of a hub, processor time that they add',
  unit: 'µs/call',
  better: 'lower',
  ours: Math.max(0.001, median(costs)),
  bound: 10,
});

await Promise.all([ours.close(), theirs.close(), filtered.close(), free.close()]);
