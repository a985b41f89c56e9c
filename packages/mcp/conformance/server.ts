// What the official suite tests as a server: its fixture, behind the gateway. Prints its address.
import { createGateway } from '../src/gateway/index.js';
import { createMcpHub } from '../src/index.js';
import { createFixtureService } from './fixture-service.js';

const gateway = createGateway(createMcpHub({ servers: {} }), {
  log: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
  services: { fixture: createFixtureService() },
  plainNames: true,
  // The suite brings no token.
  anonymous: {},
});
const { url } = await gateway.listen();
process.stdout.write(`${url}\n`);
