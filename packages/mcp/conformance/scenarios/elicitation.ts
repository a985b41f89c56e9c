import type { Scenario, Scenarios } from '../scenario.js';

/** An empty answer: what the form asks for comes from its defaults. */
const leaveDefaults: Scenario = async ({ connect }) => {
  const handlers = { fillForm: () => ({ action: 'accept', content: {} }) as const };
  const server = await connect({ handlers }, { asks: ['elicitation'] });
  await server.tools();
  await server.call('test_client_elicitation_defaults');
  await server.close();
};

export const scenarios: Scenarios = { 'elicitation-sep1034-client-defaults': leaveDefaults };
