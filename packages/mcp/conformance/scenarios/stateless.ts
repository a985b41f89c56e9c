import type { JsonObject } from '../../src/index.js';
import type { Scenario, Scenarios } from '../scenario.js';

/** What a client says of itself with each request, and that it takes a version that the server offers. */
const introduceItself: Scenario = async ({ connect }) => {
  const handlers = {
    sample: () => {
      throw new Error('There is no model here.');
    },
    fillForm: () => ({ action: 'decline' }) as const,
  };
  const server = await connect(
    { handlers, roots: [process.cwd()] },
    { asks: ['sampling', 'elicitation'] },
  );
  await server.ping();
  await server.close();
};

/** A tool that asks back before it is done, with and without a state to give back, and others beside it. */
const answerInRounds: Scenario = async ({ connect }) => {
  const handlers = {
    fillForm: () => ({ action: 'accept', content: { confirmed: true } }) as const,
  };
  const server = await connect({ handlers }, { asks: ['elicitation'] });
  await server.tools();
  await Promise.all([server.call('test_mrtr_echo_state'), server.call('test_mrtr_unrelated')]);
  await server.call('test_mrtr_no_state');
  await server.call('test_mrtr_unrelated');
  await server.call('test_mrtr_no_result_type');
  await server.close();
};

const useEverything: Scenario = async ({ connect }) => {
  const server = await connect();
  for (const { name } of await server.tools()) await server.call(name);
  for (const { uri } of await server.resources()) await server.readResource(uri);
  for (const { name } of await server.prompts()) await server.prompt(name);
  await server.close();
};

const callAsTold: Scenario = async ({ connect, context }) => {
  const server = await connect();
  const calls = context['toolCalls'] as readonly { name: string; arguments: JsonObject }[];
  for (const { name, arguments: args } of calls) await server.call(name, args);
  await server.close();
};

const callAllListed: Scenario = async ({ connect }) => {
  const server = await connect();
  for (const { name } of await server.tools()) await server.call(name, { region: 'us-west1' });
  await server.close();
};

export const scenarios: Scenarios = {
  'request-metadata': introduceItself,
  'sep-2322-client-request-state': answerInRounds,
  'http-standard-headers': useEverything,
  'http-custom-headers': callAsTold,
  'http-invalid-tool-headers': callAllListed,
};
