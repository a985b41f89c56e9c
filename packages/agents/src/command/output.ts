import { deepest, isTooDeep, type Json } from '../json.js';
import { findJsonFault } from '../json-fault.js';

/** Keeps a command's stdout as far as its output needs it. */
export interface OutputReader {
  add(line: string): void;
  /** The output, why there is none, or neither when none was asked for. */
  read(): { readonly output?: Json; readonly fault?: string };
}

export function createOutputReader(
  format: 'json' | 'lines' | undefined,
  limitBytes: number,
): OutputReader {
  let lines: string[] = [];
  let bytes = 0;

  return {
    add(line) {
      if (format === undefined) return;
      bytes += Buffer.byteLength(line) + 1;
      if (bytes > limitBytes) lines = [];
      else lines.push(format === 'lines' && line.endsWith('\r') ? line.slice(0, -1) : line);
    },
    read() {
      if (format === undefined) return {};
      if (bytes > limitBytes) {
        return {
          fault: `stdout is longer than the ${limitBytes} bytes allowed for an output, and no part of it is handed on: print less, or write a file`,
        };
      }
      if (format === 'lines') return { output: lines };
      return readJson(lines.join('\n'));
    },
  };
}

function readJson(text: string): { readonly output?: Json; readonly fault?: string } {
  if (text.trim() === '') return { fault: 'stdout is empty: expected JSON' };
  try {
    const output = JSON.parse(text) as Json;
    if (isTooDeep(output))
      return { fault: `stdout is JSON of more than ${deepest} levels, and is not handed on` };
    return { output };
  } catch {
    const fault = findJsonFault(text);
    if (fault === undefined) return { fault: 'stdout is not JSON' };
    const where = fault.at >= text.length ? 'it ends too early' : 'unexpected text';
    return {
      fault: `stdout is not JSON: ${where} at line ${fault.line}, column ${fault.column}, near ${JSON.stringify(fault.excerpt)}`,
    };
  }
}
