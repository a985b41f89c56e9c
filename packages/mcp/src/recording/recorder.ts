import { JsonlError, openWriter, type JsonlWriter } from '@orch/jsonl';
import { redactValues } from '@orch/jsonl/sessions';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { changedTransport, type OpenWire, type Wire } from '../transport/transport.js';
import {
  recordingVersion,
  type Happening,
  type RecordedLine,
  type RecordingHead,
} from './recording.js';

export interface RecorderOptions {
  /** Values that are replaced besides those of the servers' variables and headers. */
  readonly secrets?: readonly string[];
}

/** Writes down every message between a client and its servers. */
export interface Recorder {
  /** For `createMcpHub` and `connect`. */
  readonly wire: Wire;
  /** Declared secrets so far that are shorter than 8 characters: they are not replaced. */
  readonly unreplaced: number;
  /** Resolves when all is on the disk; rejects with `ORCH_MCP_RECORDING` if anything could not be written. */
  close(): Promise<void>;
}

const failure = (file: string, cause: unknown): McpError => {
  const why = cause instanceof Error ? cause.message : String(cause);
  const exists = JsonlError.isInstance(cause) && cause.code === 'ORCH_JSONL_EXISTS';
  return new McpError(
    'ORCH_MCP_RECORDING',
    exists
      ? `${file} is there already, and a recording replaces nothing. Give another name.`
      : `${file} cannot be recorded into: ${why}`,
    { details: { file }, cause },
  );
};

/**
 * Begins a recording in a new file, for its user alone (0600). What cannot be written never disturbs a call; `close()`
 * tells it. Rejects with `ORCH_MCP_RECORDING`.
 */
export async function openRecorder(file: string, options: RecorderOptions = {}): Promise<Recorder> {
  const secrets = new Set(options.secrets ?? []);
  let redact = redactValues([...secrets]);
  let writer: JsonlWriter<RecordedLine | RecordingHead>;
  try {
    writer = await openWriter(file, {
      create: 'new',
      durability: 'kernel',
      redact: (line) => redact(line),
    });
  } catch (cause) {
    throw failure(file, cause);
  }
  let failed: unknown;
  const beganMs = performance.now();
  const write = (line: RecordedLine | RecordingHead): void => {
    writer.append(line).catch((error: unknown) => (failed ??= error));
  };
  write({ v: recordingVersion, type: 'recording', at: new Date().toISOString() });

  const counts = new Map<string, number>();
  const wire: Wire = (server, open) => {
    const learn = (...values: readonly string[]): void => {
      for (const value of values) secrets.add(value);
      redact = redactValues([...secrets]);
    };
    learn(...server.secrets);
    server.onSecret?.(learn);
    return observed(open, () => {
      const connection = (counts.get(server.name) ?? 0) + 1;
      counts.set(server.name, connection);
      return (happening) => {
        const ms = Math.round((performance.now() - beganMs) * 1000) / 1000;
        write({ ms, server: server.name, connection, ...happening });
      };
    });
  };
  return {
    wire,
    get unreplaced() {
      return redact.skipped;
    },
    async close() {
      await writer.close().catch((error: unknown) => (failed ??= error));
      if (failed !== undefined) throw failure(file, failed);
    },
  };
}

/** The same transport, told about to `begin()` for each connection. */
function observed(open: OpenWire, begin: () => (happening: Happening) => void): OpenWire {
  return async (events, signal) => {
    const note = begin();
    let isOver = false;
    const over = (happening: Happening): void => {
      if (!isOver) note(happening);
      isOver = true;
    };
    note({ type: 'opened' });
    const transport = await open(
      {
        ...events,
        message(message) {
          note({ type: 'received', message });
          events.message(message);
        },
        oversized(message) {
          // It went into a file, which is no part of a recording.
          const { id } = message;
          if (id !== undefined)
            note({
              type: 'failed',
              id,
              code: 'ORCH_MCP_TOO_LARGE',
              text: 'It was not recorded: it is too large.',
            });
          events.oversized(message);
        },
        failed(id, error) {
          note({ type: 'failed', id, code: error.code, text: error.message });
          events.failed(id, error);
        },
        closed(error) {
          over({ type: 'closed', code: error.code, text: error.message });
          events.closed(error);
        },
      },
      signal,
    ).catch((error: unknown) => {
      over({
        type: 'closed',
        code: McpError.isInstance(error) ? error.code : 'ORCH_MCP_START',
        text: error instanceof Error ? error.message : String(error),
      });
      throw error;
    });
    return changedTransport(transport, {
      send(text, id, headers) {
        note({ type: 'sent', message: JSON.parse(text) as JsonObject });
        return transport.send(text, id, headers);
      },
      close() {
        over({ type: 'closed' });
        return transport.close();
      },
    });
  };
}
