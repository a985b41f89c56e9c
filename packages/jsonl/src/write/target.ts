import type { WriterSettings } from './writer-options.js';

/** The file that is written, and what is known of it. Rotation puts another file in its place. */
export interface Target {
  readonly path: string;
  readonly settings: WriterSettings;
  file: number;
  /** Tells the file from the one that may have taken its name; known only where others rotate too. */
  identity: string | undefined;
  /** Length after the last committed group; `undefined` where others write too. */
  length: number | undefined;
  /** Where this writer's last group ended; if the file still ends there, so does a line. */
  lineEnd: number;
  /** Whether bytes were written that no sync has covered. */
  unsynced: boolean;
  /** How often this writer rotated the file. */
  rotations: number;
}
