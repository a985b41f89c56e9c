/**
 * A memory that many agents share, in one file of JSON lines.
 *
 * ```ts
 * import { createMemoryService, openMemory } from '@orch/mcp/memory';
 *
 * const memory = await openMemory('/srv/run/memory.jsonl');
 * const writer = { attempt: 'plan-1', trust: 'trusted' } as const;
 * await memory.write(writer, 'decision/database', 'We keep to SQLite.');
 * const service = createMemoryService(memory); // for createGateway({ services: { memory: service } })
 * await memory.close();
 * ```
 *
 * Guarantees: what resolved is on the disk; any number of processes may write at once, and one that is killed costs
 * nothing but what it was writing; nothing is ever taken out; what an untrusted writer wrote, restored or was read by,
 * makes nothing trusted.
 *
 * The file grows for ever, and whoever may write to the file itself is believed.
 *
 * @module
 */
export { openMemory, type Memory, type ReadOptions, type WriteOptions } from './memory.js';
export type { MemoryEntry } from './memory-state.js';
export { createMemoryService } from './memory-service.js';
