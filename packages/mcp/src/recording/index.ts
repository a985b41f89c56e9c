/**
 * Recording what a client and its servers said to each other, as JSON Lines, and answering from such a recording.
 *
 * ```ts
 * const recorder = await openRecorder('session.jsonl');
 * const hub = createMcpHub({ servers, wire: recorder.wire });
 * // ... calls ...
 * await hub.close();
 * await recorder.close();
 *
 * const replay = await openReplay('session.jsonl');
 * const again = createMcpHub({ servers: replay.servers, wire: replay.wire }); // starts nothing
 * ```
 *
 * @module
 */
export { openRecorder, type Recorder, type RecorderOptions } from './recorder.js';
export { openReplay, type Replay, type ReplayOptions } from './replay.js';
