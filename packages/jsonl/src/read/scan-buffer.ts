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

interface Search {
  readonly find: FindObject;
}
let module: object | undefined;

/** @throws where there is no WebAssembly, no SIMD, or no room for the addresses of one more memory */
export function createSearchedBuffer(length: number): ScanBuffer {
  const { Memory, Module, Instance } = webAssembly();
  const memory = new Memory({ initial: Math.ceil((length + margin) / pageBytes) });
  module ??= new Module(Buffer.from(assembled, 'base64'));
  const { find } = new Instance(module, { chunk: { memory } }).exports as unknown as Search;
  return { bytes: Buffer.from(memory.buffer, 0, length), findObject: find };
}

/** A buffer of `length` bytes; with `searched`, one that can be searched for objects, if possible. */
export function createScanBuffer(length: number, searched: boolean): ScanBuffer {
  if (searched) {
    try {
      return createSearchedBuffer(length);
    } catch {
      // `indexOf` finds the same.
    }
  }
  return { bytes: Buffer.allocUnsafe(length), findObject: undefined };
}
