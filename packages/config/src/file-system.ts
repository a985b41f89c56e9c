/**
 * Node's file system. Not imported, because that loads `node:fs/promises` as well, a quarter of the time from the
 * start of a process to its first settings.
 */
export const fs = process.getBuiltinModule('node:fs');
