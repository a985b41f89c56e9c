import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig([
  preset({ orch: 'src/orch.ts' }, { dts: false, splitting: true, clean: ['!main.cjs*'] }),
  preset(
    { main: 'src/main.ts' },
    {
      dts: false,
      clean: false,
      // Claude Code waits for `orch hook` at every event: each byte is read and parsed each time, and Node takes
      // longer to begin with a module than with a script. Names stay, for people who read a stack.
      format: ['cjs'],
      minifyWhitespace: true,
      minifySyntax: true,
      // Part of the script: each file that Claude Code waits for is a millisecond.
      noExternal: [/^@orch\/core\/hook$/, /^@orch\/hooks\/program$/],
      external: ['./orch.js'],
    },
  ),
]);
