// protected-caller URL STORE: waits for a line on stdin, calls a tool, and prints what came of it.
import { once } from 'node:events';
import { oauth } from '../../src/auth/index.js';
import { connect } from '../../src/index.js';

const [url = '', store = ''] = process.argv.slice(2);
const auth = oauth({ store, client: { id: 'own' } });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
try {
  const server = await connect({ type: 'http', url, auth });
  process.stdout.write(`${(await server.call('good')).text}\n`);
  await server.close();
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
process.stdin.destroy();
