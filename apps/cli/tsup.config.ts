import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset(
    { main: 'src/main.ts' },
    {
      dts: false,
      splitting: true,
      // Claude Code waits for `orch hook` at every event: each byte is read and parsed each time. Names stay, for
      // people who read a stack.
      minifyWhitespace: true,
      minifySyntax: true,
      // Part of main.js: each file that Claude Code waits for is a millisecond.
      noExternal: [/^@orch\/core\/hook$/, /^@orch\/hooks\/program$/],
    },
  ),
);
