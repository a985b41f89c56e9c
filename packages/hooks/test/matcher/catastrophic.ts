/** Expressions whose time at one place grows faster than the text, and where. */
export const catastrophic: readonly (readonly [string, number])[] = [
  ['(a+)+$', 1],
  ['^(a+)+$', 2],
  ['(a|a)*$', 1],
  ['.*.*=.*', 2],
  ['(x+x+)+y', 3],
  ['^(.*?,){11}P', 2],
  ['\\w*\\w*x', 3],
  ['(?:a|aa)+$', 5],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 3],
  ['(?!(a+)+$)b', 4],
];
