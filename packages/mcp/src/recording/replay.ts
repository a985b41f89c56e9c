import { redactValues } from '@orch/jsonl/sessions';
import type { ServerSpec } from '../hub/server-spec.js';
import { isJsonObject } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import type {
  RequestId,
  Transport,
  TransportEvents,
  Wire,
  WiredServer,
} from '../transport/transport.js';
import { RecordedAnswers } from './answers.js';
import { readRecording, type RecordedLine } from './recording.js';

export interface ReplayOptions {
  /** Values that were replaced in the recording, if they are asked with again. */
  readonly secrets?: readonly string[];
}

/** The servers of a recording, answering as they did. */
export interface Replay {
  /** For `createMcpHub`: the servers by name, each of which answers from the recording. */
  readonly servers: Readonly<Record<string, ServerSpec>>;
  /** For `createMcpHub` with the servers of another configuration: none of them is started. */
  readonly wire: Wire;
  /** Requests that were recorded and not asked until now, as `server: method params`. */
  left(): readonly string[];
}

/**
 * Reads a recording and answers from it. Each connection gets the recorded connections of its server one after the
 * other; times are not played. A request that was not recorded fails with `ORCH_MCP_RECORDING`, as does a connection
 * more than were recorded. Rejects with `ORCH_MCP_RECORDING` for a file that is no recording.
 */
export async function openReplay(file: string, options: ReplayOptions = {}): Promise<Replay> {
  const recording = await readRecording(file);
  const all = new Map(
    [...recording].map(([server, connections]) => [
      server,
      connections.map((lines) => new RecordedAnswers(server, lines)),
    ]),
  );
  const opened = new Map<string, number>();
  const given = options.secrets ?? [];

  const play = ({ name, secrets }: WiredServer) => {
    const redact = redactValues([...given, ...secrets]);
    return (events: TransportEvents): Promise<Transport> => {
      const connections = all.get(name) ?? [];
      const number = opened.get(name) ?? 0;
      const answers = connections[number];
      if (answers === undefined)
        throw new McpError(
          'ORCH_MCP_RECORDING',
          connections.length === 0
            ? `${file} has no server ${JSON.stringify(name)}; it has ${[...all.keys()].join(', ') || 'none'}.`
            : `${file} has ${connections.length === 1 ? 'one connection' : `${connections.length} connections`} of ${name}, and this is one more. Record anew.`,
          { details: { file, server: name } },
        );
      opened.set(name, number + 1);
      return Promise.resolve(playBack(answers, redact, events));
    };
  };
  return {
    servers: Object.fromEntries(
      [...recording.keys()].map((name) => [
        name,
        { type: 'custom', open: (events) => play({ name, secrets: [] })(events) },
      ]),
    ),
    wire: (server) => play(server),
    left: () =>
      [...all].flatMap(([server, connections]) =>
        connections.flatMap((answers) => answers.left().map((what) => `${server}: ${what}`)),
      ),
  };
}

function playBack(
  answers: RecordedAnswers,
  redact: (text: string) => string,
  events: TransportEvents,
): Transport {
  let isOver = false;
  /** Later, as from any server: whoever sends does not expect an answer before it has sent. */
  const play = (lines: readonly RecordedLine[]): void => {
    setImmediate(() => {
      for (const line of lines) if (!isOver) tell(line);
    });
  };
  function tell(line: RecordedLine): void {
    if (line.type === 'received') events.message(line.message);
    else if (line.type === 'failed')
      events.failed(line.id, new McpError(line.code as McpErrorCode, line.text));
    else if (line.type === 'closed') {
      isOver = true;
      const { code = 'ORCH_MCP_CLOSED', text = 'It was closed.' } = line;
      events.closed(new McpError(code as McpErrorCode, text));
    }
  }
  play(answers.greeting);
  return {
    send(text: string, id?: RequestId) {
      const message: unknown = JSON.parse(redact(text));
      if (!isJsonObject(message)) return undefined;
      // An id that looks like a secret must still be the id.
      const known = id === undefined ? message : { ...message, id };
      try {
        play(answers.take(known));
      } catch (error) {
        if (!McpError.isInstance(error) || id === undefined) throw error;
        setImmediate(() => {
          if (!isOver) events.failed(id, error);
        });
      }
      return undefined;
    },
    forget: () => undefined,
    ready: () => undefined,
    close() {
      isOver = true;
      return Promise.resolve({});
    },
  };
}
