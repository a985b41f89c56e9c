import { resolve } from 'node:path';
import { McpError } from '../mcp-error.js';
import type { OpenWire } from '../transport/transport.js';
import type { Host } from './host.js';
import { openSource, type SourceFlags } from './open-server.js';
import { exitCode } from './report.js';

/**
 * `record FILE SERVER`: is the server, to whatever client starts it, and writes down what they say. The client's
 * configuration names this in the place of the server.
 */
export async function recordVerb(
  host: Host,
  file: string,
  name: string,
  flags: SourceFlags,
): Promise<number> {
  const { openRecorder } = await import('../recording/index.js');
  const { serveLines } = await import('../recording/serve-lines.js');
  const source = await openSource(host, flags);
  try {
    const recorder = await openRecorder(resolve(host.cwd, file));
    let open: OpenWire | undefined;
    // The hub makes the transport, and the client in front of us uses it: the handshake is theirs.
    source.open(name, { wire: (server, bare) => (open = recorder.wire(server, bare)) });
    try {
      if (open !== undefined)
        await serveLines(open, { input: host.stdin, output: host.stdout, signal: host.signal });
    } finally {
      await recorder.close();
      if (recorder.unreplaced > 0)
        host.note(
          `${recorder.unreplaced} of the server's variables are shorter than 8 characters: they are not replaced in ${file}.`,
        );
    }
    return exitCode.ok;
  } finally {
    await source.close();
  }
}

/** `replay FILE [SERVER]`: is the recorded server, to whatever client starts it. */
export async function replayVerb(
  host: Host,
  file: string,
  wanted: string | undefined,
): Promise<number> {
  const { openReplay } = await import('../recording/index.js');
  const { serveLines } = await import('../recording/serve-lines.js');
  const path = resolve(host.cwd, file);
  const replay = await openReplay(path);
  const names = Object.keys(replay.servers);
  const name = wanted ?? names[0];
  if (name === undefined || (wanted === undefined && names.length > 1))
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${path} has ${names.length === 0 ? 'no server' : `several servers (${names.join(', ')}): name one`}.`,
    );
  const never: OpenWire = () => Promise.reject(new Error('A replay starts nothing.'));
  const { stdin: input, stdout: output, signal } = host;
  await serveLines(replay.wire({ name, secrets: [] }, never), { input, output, signal });
  return exitCode.ok;
}
