import { webAssembly } from '../web-assembly.js';

/** Where the next `{"` begins in `[from, end)` of a buffer; -1 when there is none. */
export type FindObject = (from: number, end: number) => number;

export interface ScanBuffer {
  readonly bytes: Buffer;
  /** Finds objects in `bytes`, where that is quicker than by `indexOf`. */
  readonly findObject: FindObject | undefined;
}

/** `find-object.wat`, assembled; a test compares them. */
export const assembled: string =
  'AGFzbQEAAAABBwFgAn9/AX8CEQEFY2h1bmsGbWVtb3J5AgABAwIBAAcIAQRmaW5kAAAK0wEB0AECAnsBf0H7AP0PIQJBIv0PIQMC' +
  'QANAIAAgAU8NASAA/QAEACAC/SMgAP0ABAEgA/0j/U4gAP0ABBAgAv0jIAD9AAQRIAP9I/1O/VAgAP0ABCAgAv0jIAD9AAQhIAP9' +
  'I/1OIAD9AAQwIAL9IyAA/QAEMSAD/SP9Tv1Q/VD9UwRAA0AgAP0ABAAgAv0jIAD9AAQBIAP9I/1O/WQhBCAERQRAIABBEGohAAwB' +
  'CwsgACAEaGohACAAQQFqIAFPDQIgAA8LIABBwABqIQAMAAsLQX8L';

const pageBytes = 64 * 1024;
/** Read behind the end. */
const margin = 80;
/** Of every buffer that can be searched, so that each serves for all; what is not used takes no memory. */
export const searchedBytes = 4 * 1024 * 1024;

interface Search {
  readonly find: FindObject;
}
let module: object | undefined;

/** @throws where there is no WebAssembly, no SIMD, or no room for the addresses of one more memory */
export function createSearchedBuffer(length: number): ScanBuffer {
  const { Memory, Module, Instance } = webAssembly();
  module ??= new Module(Buffer.from(assembled, 'base64'));
  const memory = new Memory({ initial: Math.ceil((length + margin) / pageBytes) });
  const { find } = new Instance(module, { chunk: { memory } }).exports as unknown as Search;
  return { bytes: Buffer.from(memory.buffer, 0, length), findObject: find };
}

/** So many are made at most: each takes 10 GiB of addresses and as long to make as to read a hundred KiB. */
let most = 4;
let made = 0;
const spares: ScanBuffer[] = [];
/** Some never come back: those of iterators that nobody ends. */
const lost = new FinalizationRegistry<undefined>(() => (made -= 1));

/** A buffer of `searchedBytes` that can be searched for objects; `undefined` where there is none, or none is free. */
export function takeSearchedBuffer(): ScanBuffer | undefined {
  const spare = spares.pop();
  if (spare !== undefined || made >= most) return spare;
  try {
    const buffer = createSearchedBuffer(searchedBytes);
    made += 1;
    lost.register(buffer, undefined);
    return buffer;
  } catch {
    // Not tried again: where addresses are short the engine collects all garbage, several times, before it gives up.
    most = made;
    return undefined;
  }
}

/** Gives back what was taken, for the next one. */
export function giveSearchedBuffer(buffer: ScanBuffer): void {
  spares.push(buffer);
}
