import type { Scenario, Scenarios } from '../scenario.js';

const list: Scenario = async ({ connect }) => {
  const server = await connect();
  await server.tools();
  await server.close();
};

/** What a tool says of its arguments is given to the echo tool as it came. */
const giveBack: Scenario = async ({ connect }) => {
  const server = await connect();
  const tool = (await server.tools()).find(({ name }) => name === 'json_schema_2020_12_tool');
  if (tool === undefined) throw new Error('The tool with the schema is not listed.');
  await server.call('json_schema_echo', { schema: tool.inputSchema });
  await server.close();
};

export const scenarios: Scenarios = {
  'json-schema-ref-no-deref': list,
  'json-schema-2020-12-preservation': giveBack,
};
