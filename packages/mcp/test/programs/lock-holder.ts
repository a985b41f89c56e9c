// lock-holder PATH KEY FILE: holds the lock of a key for ever, once it has it; says so.
import { fileTokenStore } from '../../src/auth/index.js';

const [path = '', key = ''] = process.argv.slice(2);
await fileTokenStore(path).exclusively(key, async () => {
  process.stdout.write('held\n');
  await new Promise((resolve) => setTimeout(resolve, 1e9));
});
