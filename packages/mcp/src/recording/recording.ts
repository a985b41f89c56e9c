import { isHarmless, readAll } from '@orch/jsonl';
import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';

/** The version of the format that this package writes. */
export const recordingVersion = 1;

/** What happened on one connection. `ms` is on a monotonic clock, from the beginning of the recording. */
export type Happening =
  | { readonly type: 'opened' }
  /** A message, by the client's view: `sent` went to the server. */
  | { readonly type: 'sent' | 'received'; readonly message: JsonObject }
  /** The transport itself failed a request. */
  | {
      readonly type: 'failed';
      readonly id: number | string;
      readonly code: string;
      readonly text: string;
    }
  /** With a code: by the server, or on the way. Without: by the client. */
  | { readonly type: 'closed'; readonly code?: string; readonly text?: string };

/** A line of a recording. `connection` counts from 1 for each server: a server that broke is connected anew. */
export type RecordedLine = Happening & {
  readonly ms: number;
  readonly server: string;
  readonly connection: number;
};

/** The first line. */
export interface RecordingHead {
  readonly v: number;
  readonly type: 'recording';
  /** When it began, UTC. */
  readonly at: string;
}

/** The connections of each server, in their order. */
export type Recording = ReadonlyMap<string, readonly (readonly RecordedLine[])[]>;

const types: ReadonlySet<unknown> = new Set(['opened', 'sent', 'received', 'failed', 'closed']);

function isLine(value: unknown): value is RecordedLine {
  if (!isJsonObject(value)) return false;
  const { type, server, connection, ms, message, id } = value;
  if (typeof server !== 'string' || typeof ms !== 'number' || !types.has(type)) return false;
  if (!Number.isSafeInteger(connection) || Number(connection) < 1) return false;
  if (type === 'sent' || type === 'received') return isJsonObject(message);
  return type !== 'failed' || typeof id === 'number' || typeof id === 'string';
}

/** Reads a whole recording. Rejects with `ORCH_MCP_RECORDING`; the last line may be torn, nothing else. */
export async function readRecording(file: string): Promise<Recording> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new McpError('ORCH_MCP_RECORDING', `${file} cannot be replayed: ${why}.`, {
      details: { file },
      cause,
    });
  };
  const { records, faults } = await readAll(file).catch((cause: unknown) =>
    refuse(cause instanceof Error ? cause.message : String(cause), cause),
  );
  const [head, ...lines] = records;
  if (!isJsonObject(head) || head['type'] !== 'recording')
    return refuse('it is no recording of @orch/mcp');
  if (head['v'] !== recordingVersion)
    return refuse(
      `it is of version ${JSON.stringify(head['v'])}, and this reads ${recordingVersion}`,
    );
  const fault = faults.find(({ kind }) => kind !== 'torn_tail' && !isHarmless(kind));
  if (fault !== undefined) return refuse(`line ${fault.line} is damaged (${fault.kind})`);
  const found = new Map<string, RecordedLine[][]>();
  lines.forEach((line, index) => {
    if (!isLine(line)) return refuse(`record ${index + 2} is none of a recording`);
    const connections = found.get(line.server) ?? [];
    found.set(line.server, connections);
    if (line.type === 'opened' && line.connection === connections.length + 1) connections.push([]);
    const connection = connections[line.connection - 1];
    if (connection === undefined) return refuse(`record ${index + 2} is of no connection`);
    connection.push(line);
  });
  return found;
}
