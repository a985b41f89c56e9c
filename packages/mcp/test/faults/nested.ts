/** JSON that every parser takes, and that is deeper than a walk from value to value can go. */
export const nested = (() => {
  const levels = 100_000;
  return `${'['.repeat(levels)}${']'.repeat(levels)}`;
})();

/** Three ways to be heard that answer no request of ours. */
export const nestedLog = `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":${nested}}}`;
export const nestedAnswer = `{"jsonrpc":"2.0","id":7,"result":{"x":${nested}}}`;
export const nestedNothing = `{"jsonrpc":"2.0","x":${nested}}`;
