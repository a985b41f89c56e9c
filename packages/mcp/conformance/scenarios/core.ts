import type { Scenario, Scenarios } from '../scenario.js';

const initialize: Scenario = async ({ connect }) => {
  const server = await connect();
  await server.tools();
  await server.close();
};

const callTool: Scenario = async ({ connect }) => {
  const server = await connect();
  await server.tools();
  await server.call('add_numbers', { a: 5, b: 3 });
  await server.close();
};

const retryStream: Scenario = async ({ connect }) => {
  const server = await connect();
  await server.tools();
  await server.call('test_reconnection');
  await server.close();
};

export const scenarios: Scenarios = {
  initialize,
  tools_call: callTool,
  'sse-retry': retryStream,
};
