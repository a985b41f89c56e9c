import { isAbsolute } from 'node:path';
import { readCut, readError, readHang, readHeaders, readStreamError } from './faults.js';
import type { CheckedCut, CheckedError, CheckedHang, CheckedStreamError } from './faults.js';
import { isObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { checkTemplates } from './template.js';
import type { BarrierPoint, Block, Usage } from './turn.js';
import {
  COUNT,
  optionalString,
  readInteger,
  readList,
  readObject,
  readString,
  refuse,
} from './value-reader.js';

/** A turn after validation: one form, with defaults in place. */
export interface CheckedTurn {
  readonly blocks: readonly Block[];
  readonly stop: string | undefined;
  readonly usage: Usage;
  readonly headers: Readonly<Record<string, string>>;
  readonly waitForFile: string | undefined;
  readonly barrier: BarrierPoint | undefined;
  readonly delayMs: number;
  readonly firstByteMs: number;
  readonly chunkChars: number | undefined;
  readonly chunkMs: number;
  readonly error: CheckedError | undefined;
  readonly streamError: CheckedStreamError | undefined;
  readonly cut: CheckedCut | undefined;
  readonly hang: CheckedHang | undefined;
}

const TURN_KEYS = (
  'text thinking tool input id blocks stop usage headers waitFor barrier delayMs firstByteMs ' +
  'chunkChars chunkMs error streamError cut hang'
).split(' ');
const LONGEST_WAIT_MS = 2 ** 31 - 1;
const DEFAULT_USAGE: Usage = {
  input_tokens: 100,
  output_tokens: 20,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/** Reads a script: a list of turns, `{turns}`, or a single turn. Throws SCRIPT_INVALID. */
export function readScript(value: Json, path = 'script'): readonly CheckedTurn[] {
  const turns = isObject(value) && 'turns' in value ? readTurns(value, path) : value;
  const list = Array.isArray(turns) ? (turns as readonly Json[]) : [turns];
  if (list.length === 0) refuse(path, 'at least one turn', value);
  return list.map((turn, index) => readTurn(turn, `${path}[${index}]`));
}

function readTurns(value: JsonObject, path: string): readonly Json[] {
  return readList(readObject(value, path, ['turns', 'match'])['turns'], `${path}.turns`);
}

/** Reads one turn in any of its forms. Throws SCRIPT_INVALID. */
export function readTurn(value: Json, path = 'turn'): CheckedTurn {
  if (typeof value === 'string') return readTurn({ text: value }, path);
  if (Array.isArray(value)) return readTurn({ blocks: value as readonly Json[] }, path);
  const turn = readObject(value, path, TURN_KEYS);
  const wait = (key: string) =>
    readInteger(turn[key] ?? 0, `${path}.${key}`, { min: 0, max: LONGEST_WAIT_MS });
  const checked: CheckedTurn = {
    blocks: readBlocks(turn, path),
    stop: optionalString(turn, 'stop', path),
    usage: readUsage(turn['usage'], `${path}.usage`),
    headers: readHeaders(turn['headers'], `${path}.headers`),
    waitForFile: readWaitFor(turn['waitFor'], `${path}.waitFor`),
    barrier: readBarrier(turn['barrier'], `${path}.barrier`),
    delayMs: wait('delayMs'),
    firstByteMs: wait('firstByteMs'),
    chunkMs: wait('chunkMs'),
    chunkChars:
      turn['chunkChars'] === undefined
        ? undefined
        : readInteger(turn['chunkChars'], `${path}.chunkChars`, { ...COUNT, min: 1 }),
    error: readError(turn['error'], `${path}.error`),
    streamError: readStreamError(turn['streamError'], `${path}.streamError`),
    cut: readCut(turn['cut'], `${path}.cut`),
    hang: readHang(turn['hang'], `${path}.hang`),
  };
  checkTemplates(value, path);
  return checked;
}

function readBlocks(turn: JsonObject, path: string): readonly Block[] {
  const short = ['text', 'thinking', 'tool', 'input', 'id'].filter((key) => key in turn);
  if (turn['blocks'] !== undefined) {
    if (short.length > 0) refuse(`${path}.${short[0] ?? ''}`, 'no such key beside blocks', turn);
    return readList(turn['blocks'], `${path}.blocks`).map((block, index) =>
      readBlock(block, `${path}.blocks[${index}]`),
    );
  }
  const blocks: Block[] = [];
  for (const key of ['thinking', 'text'] as const) {
    if (turn[key] !== undefined) blocks.push(readBlock({ [key]: turn[key] }, path));
  }
  const { tool, input, id } = turn;
  if (tool === undefined && (input !== undefined || id !== undefined))
    refuse(path, 'a tool beside input and id', turn);
  if (tool !== undefined) {
    const call = { tool, ...(input === undefined ? {} : { input }) };
    blocks.push(readBlock(id === undefined ? call : { ...call, id }, path));
  }
  return blocks;
}

function readBlock(value: Json, path: string): Block {
  if (!isObject(value)) return refuse(path, 'a block: {text}, {thinking} or {tool, input}', value);
  if ('tool' in value) {
    readObject(value, path, ['tool', 'input', 'id']);
    const id = optionalString(value, 'id', path);
    const call = { tool: readString(value['tool'], `${path}.tool`), input: value['input'] ?? {} };
    return id === undefined ? call : { ...call, id };
  }
  if ('thinking' in value) {
    readObject(value, path, ['thinking', 'signature']);
    const thinking = readString(value['thinking'], `${path}.thinking`);
    const signature = optionalString(value, 'signature', path);
    return signature === undefined ? { thinking } : { thinking, signature };
  }
  return { text: readString(readObject(value, path, ['text'])['text'], `${path}.text`) };
}

function readUsage(value: Json | undefined, path: string): Usage {
  const given = readObject(value ?? {}, path, Object.keys(DEFAULT_USAGE));
  const tokens = (key: keyof Usage) =>
    readInteger(given[key] ?? DEFAULT_USAGE[key], `${path}.${key}`, COUNT);
  return {
    input_tokens: tokens('input_tokens'),
    output_tokens: tokens('output_tokens'),
    cache_creation_input_tokens: tokens('cache_creation_input_tokens'),
    cache_read_input_tokens: tokens('cache_read_input_tokens'),
  };
}

function readWaitFor(value: Json | undefined, path: string): string | undefined {
  if (value === undefined) return undefined;
  const file = readString(readObject(value, path, ['file'])['file'], `${path}.file`);
  // A relative path would mean the directory of whoever runs the model, not that of the agent.
  if (!isAbsolute(file) && !file.startsWith('{{')) refuse(`${path}.file`, 'an absolute path', file);
  return file;
}

function readBarrier(value: Json | undefined, path: string): BarrierPoint | undefined {
  if (value === undefined) return undefined;
  const barrier = readObject(value, path, ['name', 'parties']);
  return {
    name: readString(barrier['name'], `${path}.name`),
    parties: readInteger(barrier['parties'], `${path}.parties`, { min: 1, max: 10_000 }),
  };
}
